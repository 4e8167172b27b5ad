"""Lines of programs that are not Django's are JSON in production, too."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import requests

from stack.places import ROOT
from stack.ports import choose_ports
from stack.waiting import wait_until
from tests.support.children import child

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def test_every_line_of_the_web_server_itself_is_json(tmp_path: Path) -> None:
    [configuration] = re.findall(r"GRANIAN_LOG_CONFIG=(\S+)", DOCKERFILE)
    [port] = choose_ports(1)
    granian = str(Path(sys.executable).with_name("granian"))
    command = [granian, "--interface", "wsgi", "--port", str(port), "wsgiref.simple_server:demo_app"]
    variables = {"GRANIAN_LOG_CONFIG": configuration, "MICROSTORE_SERVICE": "listings"}
    with (tmp_path / "lines").open("w") as lines:
        outputs = {"stdout": lines, "stderr": subprocess.STDOUT}
        with child(command, cwd=ROOT, env=os.environ | variables, **outputs) as server:
            # granian forks its worker with the parent's handlers: a signal before the worker's own is lost.
            assert wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), timeout_seconds=60)
            server.terminate()
            assert server.wait(30) == 0
    events = [json.loads(line) for line in (tmp_path / "lines").read_text().splitlines()]
    assert {"Started worker-1", "Stopped worker-1"} <= {event["event"] for event in events}
    assert {(event["service"], event["process"]) for event in events} == {("listings", "api")}


def test_the_gateway_writes_json_with_the_trace_and_the_time_of_the_upstream() -> None:
    gateway = (ROOT / "deploy/gateway.conf").read_text()
    written = "".join(re.findall(r"'([^']*)'", gateway[gateway.index("log_format json") :].partition(";")[0]))
    line = json.loads(re.sub(r"\$\w+", "x", written))
    assert {"timestamp", "path", "status", "trace_id", "upstream_seconds"} <= line.keys()
    assert re.search(r"access_log \S+ json;", gateway)
    assert "access_log off" not in gateway
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer)\b", written), (
        "may hold a token"
    )
    # nginx's own errors quote the request's line, in no other format.
    assert re.findall(r"error_log .*", gateway) == ["error_log stderr crit;"]
