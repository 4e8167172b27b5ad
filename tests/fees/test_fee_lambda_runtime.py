"""The fee function under AWS's own runtime interface client, from a folder that holds nothing else."""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

import fees
from tests.support.children import child

WAIT_SECONDS = 30
# From the AWS documentation's example of payload format 2.0; method, path and body are this test's.
# https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
FUNCTION_URL_EVENT: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/",
    "rawQueryString": "",
    "headers": {"content-type": "application/json", "x-forwarded-proto": "https"},
    "requestContext": {
        "accountId": "anonymous",
        "apiId": "fees",
        "authentication": None,
        "authorizer": None,
        "domainName": "fees.lambda-url.eu-central-1.on.aws",
        "domainPrefix": "fees",
        "http": {
            "method": "POST",
            "path": "/",
            "protocol": "HTTP/1.1",
            "sourceIp": "203.0.113.7",
            "userAgent": "python-requests",
        },
        "requestId": "id",
        "routeKey": "$default",
        "stage": "$default",
        "time": "22/Nov/2026:16:10:00 +0000",
        "timeEpoch": 1795363800000,
    },
    "isBase64Encoded": False,
}


class Posted(NamedTuple):
    """What the runtime client sent to the Runtime API."""

    path: str
    content: Any


class RuntimeApi(ThreadingHTTPServer):
    """The Lambda Runtime API, as far as one function needs it.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.invocations: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.posted: queue.SimpleQueue[Posted] = queue.SimpleQueue()
        super().__init__(("127.0.0.1", 0), RuntimeApiRequest)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, except that a test ended and killed its function."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def invoke(self, event: dict[str, Any]) -> Posted:
        """Hand an event to the function and wait for what it makes of it."""
        self.invocations.put(event)
        return self.posted.get(timeout=WAIT_SECONDS)


class RuntimeApiRequest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert self.path == "/2018-06-01/runtime/invocation/next"
        event = cast("RuntimeApi", self.server).invocations.get()
        if event is None:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "one-armchair")
        self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:1:function:fees")
        self._send(json.dumps(event).encode())

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["content-length"])))
        cast("RuntimeApi", self.server).posted.put(Posted(self.path, content))
        self.send_response(202)
        self._send(b"")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _send(self, body: bytes) -> None:
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def runtime_api() -> Iterator[RuntimeApi]:
    with RuntimeApi() as api:
        thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield api
        api.invocations.put(None)
        api.shutdown()
        thread.join(WAIT_SECONDS)


@pytest.fixture(scope="module")
def task_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Zip the folder and unpack it where nothing else is, as Lambda does under /var/task."""
    source = Path(fees.__file__).parent
    task_root = tmp_path_factory.mktemp("task")
    archive = shutil.make_archive(
        str(tmp_path_factory.mktemp("zip") / "fees"), "zip", source.parent, source.name
    )
    shutil.unpack_archive(archive, task_root)
    return task_root


@contextmanager
def run_lambda(task_root: Path, api: RuntimeApi, **environment: str) -> Iterator[None]:
    with child(
        [sys.executable, "-m", "awslambdaric", "fees.handler.handler"],
        cwd=task_root,
        env={
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
            "LAMBDA_TASK_ROOT": str(task_root),
            **environment,
        },
        stdout=subprocess.DEVNULL,
    ):
        yield


def make_event(request: object) -> dict[str, Any]:
    return FUNCTION_URL_EVENT | {"body": json.dumps(request)}


def test_lambda_quotes_an_armchair_and_goes_on_to_the_next_request(
    task_root: Path, runtime_api: RuntimeApi
) -> None:
    with run_lambda(task_root, runtime_api):
        path, response = runtime_api.invoke(
            make_event({"price_cents": 19_999, "currency": "EUR", "category": "furniture"})
        )
        quote = json.loads(response["body"])
        assert path == "/2018-06-01/runtime/invocation/one-armchair/response"
        assert (response["statusCode"], response["headers"]) == (200, {"content-type": "application/json"})
        assert (quote["fee_cents"], quote["rule"]) == (950, "2026-11/EUR/furniture")

        assert runtime_api.invoke(make_event("sofa")).content["statusCode"] == 400
        assert runtime_api.invoke({"not": "a Function URL event"}).content["statusCode"] == 400
        tutorial = runtime_api.invoke(make_event({"price": 10.0}))
        assert tutorial.content["body"] == '{"fee":0.75,"total":10.75}'


def test_lambda_refuses_to_start_with_a_bad_schedule_and_says_why(
    task_root: Path, runtime_api: RuntimeApi
) -> None:
    with run_lambda(task_root, runtime_api, FEE_SCHEDULE="{}"):
        path, error = runtime_api.posted.get(timeout=WAIT_SECONDS)
    assert path == "/2018-06-01/runtime/init/error"
    assert error["errorType"] == "InvalidSchedule"
    assert error["errorMessage"].startswith("FEE_SCHEDULE: the schedule lacks currencies")


def test_the_unpacked_folder_needs_nothing_but_the_standard_library(task_root: Path) -> None:
    # -I and -S: neither the repository, the environment nor any installed package can be imported.
    program = """
import importlib.util, json, sys
sys.path.insert(0, sys.argv[1])
from fees.handler import handler
others = ["microstore", "listings", "transactions", "tests", "django", "celery", "pydantic"]
assert not [name for name in others if importlib.util.find_spec(name)]
assert handler.__code__.co_filename.startswith(sys.argv[1])
print(handler(json.loads(sys.argv[2]), None)["body"])
"""
    event = json.dumps(make_event({"price": 10.0}))
    answered = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(task_root), event],
        cwd=task_root,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert (answered.stdout, answered.stderr) == ('{"fee":0.75,"total":10.75}\n', "")
