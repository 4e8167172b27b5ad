"""Log lines say where they come from, and never a secret."""

import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from microstore.telemetry import logs
from tests.support.tokens import claims_of, sign

PASSWORD = "crunchy-armchair-7"
SECRET_URLS = {
    "broker": f"amqp://listings:{PASSWORD}@rabbitmq:5672//",
    "database": f"postgres://app:{PASSWORD}@db/listings",
    "redis": f"redis://:{PASSWORD}@redis:6379/0",
}


@pytest.fixture(params=[False, True], ids=["production", "development"])
def logged(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What has been logged, as production and as development write it."""
    stream = io.StringIO()
    told: Any = logs.configuration(service="listings", readable=request.param, level="INFO")["formatters"]
    formatter = dict(told["structlog"])
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter.pop("()")(**formatter))
    root = logging.getLogger("test-of-logs")
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    root.propagate = False

    def read() -> str:
        stream.write(capsys.readouterr().err)
        return stream.getvalue()

    yield read
    root.removeHandler(handler)


def say(event: str, **fields: Any) -> None:
    structlog.get_logger("test-of-logs").warning(event, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"headers": {"Authorization": f"Bearer {PASSWORD}", "Accept": "*/*"}},
        {"authorization": PASSWORD},
        {"password": PASSWORD},
        {"new_password": PASSWORD},
        {"body": {"username": "bob", "password": PASSWORD}},
        {"text": json.dumps({"username": "bob", "password": PASSWORD})},
        {"error": f"cannot reach {SECRET_URLS['broker']}"},
        {"error": f"cannot reach {SECRET_URLS['database']}"},
        {"error": OSError(f"cannot reach {SECRET_URLS['redis']}")},
        {"path": f"/ws/orders/?after=3&token={PASSWORD}"},
        {"arguments": [{"deep": [f"Bearer {PASSWORD}"]}]},
    ],
)
def test_no_secret_is_logged(logged: Callable[[], str], fields: dict[str, Any]) -> None:
    say("happened", **fields)
    assert "happened" in logged()
    assert PASSWORD not in logged()
    assert logs.HIDDEN in logged()


def test_no_token_is_logged_wherever_it_stands(logged: Callable[[], str]) -> None:
    token = sign(claims_of(7))
    say(f"GET /ws/orders/?token={token}", seen=[token])
    logging.getLogger("test-of-logs").warning("refused %s", token)
    assert token not in logged()
    assert token.rpartition(".")[2] not in logged()


def test_no_secret_is_logged_in_a_traceback(logged: Callable[[], str]) -> None:
    try:
        int(SECRET_URLS["broker"])
    except ValueError:
        logging.getLogger("test-of-logs").exception("failed")
    assert "Traceback" in logged()
    assert PASSWORD not in logged()


def test_what_is_no_secret_is_logged_as_it_is(logged: Callable[[], str]) -> None:
    say("item_sold", order_id="01a20420-1996-72f3-8f75-b9740bad4dc8", events=3, url="http://fees:8003/?a=b")
    for text in (
        "01a20420-1996-72f3-8f75-b9740bad4dc8",
        "3",
        "http://fees:8003/?a=b",
        "listings",
        "process",
        "pid",
    ):
        assert text in logged()


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/venv/bin/celery", "-A", "microstore.celery", "worker", "-Q", "listings"], "worker"),
        (["manage.py", "relay"], "relay"),
        (["/venv/bin/granian", "--interface", "wsgi", "a:b"], "api"),
        (["/venv/bin/granian", "--interface", "asginl", "a:b"], "live"),
    ],
)
def test_a_process_knows_its_name(argv: list[str], name: str) -> None:
    assert logs.process_name(argv) == name
