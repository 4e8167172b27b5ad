"""Health checks for load balancers and probes, by HTTP or by `manage.py health`."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import redis
import structlog
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from microstore.telemetry.heartbeat import seconds_since_beat

LIMIT_SECONDS = 3
HEARTBEAT_SECONDS = 30  # a relay that waits for its broker tries every 5
ROUND_SECONDS = 90
KEPT_SECONDS = 1.0

log = structlog.get_logger(__name__)

Check = Callable[[], str]

_looking = threading.Lock()
_last: tuple[float, dict[str, str]] | None = None  # when, and what was found


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Return 200 while the process serves requests."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Return 200 where the API reaches its database, a live server also its channel layer; else 503."""
    found = look(CHECKS["live" if isinstance(request, ASGIRequest) else "api"])
    healthy = all(state == "ok" for state in found.values())
    status = HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return JsonResponse({"status": "ok" if healthy else "unavailable", **found}, status=status)


def look(checks: dict[str, Check]) -> dict[str, str]:
    """Return what the checks found within the last KEPT_SECONDS, by one look at a time.

    Anybody may send this request; each look opens a connection, of which the database has few.
    """
    global _last  # noqa: PLW0603  # one for the process
    with _looking:
        if _last is None or time.monotonic() - _last[0] > KEPT_SECONDS:
            found = run_checks(checks)
            _last = time.monotonic(), found  # after the look, which may have taken LIMIT_SECONDS
        return _last[1]


def run_checks(checks: dict[str, Check]) -> dict[str, str]:
    """Run the checks in parallel, each for LIMIT_SECONDS at most; return `ok` or the fault by name."""
    pool = ThreadPoolExecutor(len(checks))
    try:
        answers = {name: pool.submit(_safely, name, check) for name, check in checks.items()}
        found = {name: _in_time(answer.result) for name, answer in answers.items()}
    finally:
        # A check that hangs must not delay the response; its thread ends with its own timeout.
        pool.shutdown(wait=False)
    if faults := {name: fault for name, fault in found.items() if fault != "ok"}:
        log.warning("not_ready", **faults)
    return found


def _safely(name: str, check: Check) -> str:
    try:
        return check()
    except Exception as error:  # noqa: BLE001  # whatever it is, the process is not ready
        log.warning("check_failed", check=name, error=repr(error))
        return type(error).__name__  # no more of it in a response: a message may hold an address


def _in_time(result: Callable[[float], str]) -> str:
    try:
        return result(LIMIT_SECONDS)
    except TimeoutError:
        return f"no answer in {LIMIT_SECONDS} s"


def check_database() -> str:
    """Return `ok` after a query on a new connection."""
    # Django has a connection for each thread, and those of the pool end without closing theirs.
    own = connection.copy()
    own.settings_dict["OPTIONS"] = {**own.settings_dict["OPTIONS"], "connect_timeout": 2}
    try:
        with own.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        own.close()
    return "ok"


def check_channel_layer() -> str:
    """Return `ok` after a ping to Redis."""
    with redis.Redis.from_url(
        settings.CHANNEL_LAYER_URL, socket_timeout=2, socket_connect_timeout=2
    ) as server:
        server.ping()
    return "ok"


def check_broker() -> str:
    """Return `ok` after a log-in at the broker."""
    from microstore.celery import app  # noqa: PLC0415  # an API process does not need Celery

    with app.connection_for_read(connect_timeout=2, heartbeat=0) as broker:
        broker.connect()
    return "ok"


def check_heartbeat(within_seconds: float = HEARTBEAT_SECONDS) -> str:
    """Return `ok` where the process with the same HEARTBEAT_FILE has touched it lately."""
    if not settings.HEARTBEAT_FILE:
        return "HEARTBEAT_FILE is not set: give it to the process and to this command"
    seconds = seconds_since_beat()
    if seconds is None:
        return "no heartbeat yet"
    return "ok" if seconds <= within_seconds else f"last heartbeat {seconds:.0f} s ago"


def check_rounds() -> str:
    """Return `ok` where `reconcile` or `payouts`, `--every 30`, has lately touched the file, once a round."""
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
    "payouts": {"database": check_database, "heartbeat": check_rounds},
    "deliver": {"database": check_database, "heartbeat": check_heartbeat},
}
# For liveness: no check of a server. To restart all workers because the broker is down mends nothing, and
# their reconnects together slow its recovery.
LIVENESS: dict[str, dict[str, Check]] = {
    process: {"heartbeat": checks["heartbeat"]} for process, checks in CHECKS.items() if "heartbeat" in checks
}
