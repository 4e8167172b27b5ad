"""What load balancers and probes ask: by HTTP, or by `manage.py health` of processes without an address."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import redis
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import HttpRequest, JsonResponse

from microstore.telemetry.heartbeat import seconds_since_beat

LIMIT_SECONDS = 3
HEARTBEAT_SECONDS = 30  # a relay that waits for its broker tries every 5
ROUND_SECONDS = 90

Check = Callable[[], str]


def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """The process can do its work: the API needs its database, the live server its channel layer too."""
    found = run_checks(CHECKS["live" if isinstance(request, ASGIRequest) else "api"])
    healthy = all(state == "ok" for state in found.values())
    status = HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return JsonResponse({"status": "ok" if healthy else "unavailable", **found}, status=status)


def run_checks(checks: dict[str, Check]) -> dict[str, str]:
    """What each check says, side by side: `ok`, or what is wrong. None takes longer than its limit."""
    pool = ThreadPoolExecutor(len(checks))
    try:
        answers = {name: pool.submit(_safely, check) for name, check in checks.items()}
        return {name: _in_time(answer.result) for name, answer in answers.items()}
    finally:
        pool.shutdown(wait=False)


def _safely(check: Check) -> str:
    try:
        return check()
    except Exception as error:  # noqa: BLE001  # whatever it is, the process is not ready
        return type(error).__name__  # no more of it: a message may hold an address


def _in_time(result: Callable[[float], str]) -> str:
    try:
        return result(LIMIT_SECONDS)
    except TimeoutError:
        return f"no answer in {LIMIT_SECONDS} s"


def check_database() -> str:
    """A query on a connection of its own."""
    own = connection.copy()
    own.settings_dict["OPTIONS"] = {**own.settings_dict["OPTIONS"], "connect_timeout": 2}
    try:
        with own.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        own.close()
    return "ok"


def check_channel_layer() -> str:
    """A ping to its Redis."""
    with redis.Redis.from_url(
        settings.CHANNEL_LAYER_URL, socket_timeout=2, socket_connect_timeout=2
    ) as server:
        server.ping()
    return "ok"


def check_broker() -> str:
    """The broker lets us in."""
    from microstore.celery import app  # noqa: PLC0415  # an API process has no business with it

    with app.connection_for_read(connect_timeout=2, heartbeat=0) as broker:
        broker.connect()
    return "ok"


def check_heartbeat(within_seconds: float = HEARTBEAT_SECONDS) -> str:
    """The process that was told the same HEARTBEAT_FILE has done its work lately."""
    if not settings.HEARTBEAT_FILE:
        return "HEARTBEAT_FILE is not set: give it to the process and to this command"
    seconds = seconds_since_beat()
    if seconds is None:
        return "no heartbeat yet"
    return "ok" if seconds <= within_seconds else f"last heartbeat {seconds:.0f} s ago"


def check_rounds() -> str:
    """The same of `reconcile --every 30`, which beats once a round."""
    return check_heartbeat(ROUND_SECONDS)


API = {"database": check_database}
LIVE = {"database": check_database, "channel_layer": check_channel_layer}
WITH_BROKER = {"database": check_database, "broker": check_broker, "heartbeat": check_heartbeat}
CHECKS: dict[str, dict[str, Check]] = {
    "api": API,
    "live": LIVE,
    "worker": WITH_BROKER,
    "relay": WITH_BROKER,
    "reconcile": {"database": check_database, "heartbeat": check_rounds},
}
# For liveness: only what a restart would mend.
LIVENESS: dict[str, dict[str, Check]] = {
    "worker": {"heartbeat": check_heartbeat},
    "relay": {"heartbeat": check_heartbeat},
    "reconcile": {"heartbeat": check_rounds},
}
