"""A standby that has to confirm every commit, and that is away."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from stack.waiting import wait_until


@contextmanager
def standby_away() -> Iterator[None]:
    """Let no commit of this server be confirmed meanwhile; at the end all are."""
    _require("nobody")
    try:
        yield
    finally:
        _require("")


def _require(standby: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET synchronous_standby_names = %s", [standby])
        cursor.execute("SELECT pg_reload_conf()")
    # A server takes it over some time after it has been told to.
    assert wait_until(lambda: _is_required(standby), timeout_seconds=10)


def _is_required(standby: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_standby_names")
        return bool(cursor.fetchone() == (standby,))


def wait_for_unconfirmed() -> int:
    """Return the process id of the one session whose commit waits for the standby, once there is one."""
    found: list[int] = []

    def is_found() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
            found[:] = [pid for (pid,) in cursor.fetchall()]
        return len(found) == 1

    assert wait_until(is_found, timeout_seconds=10), found
    return found[0]


def terminate(pid: int) -> None:
    """End a session as a server does that stops; what it has committed is visible then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
