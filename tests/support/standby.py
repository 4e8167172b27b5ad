"""A standby that has to confirm every commit, and that is away."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection

from stack.waiting import wait_until

# A commit that has nothing to write waits for nobody.
WRITE = "SELECT pg_logical_emit_message(true, 'trial', '')"


@contextmanager
def standby_away() -> Iterator[None]:
    """Let no commit of this server be confirmed meanwhile; at the end all are."""
    _require("nobody")
    try:
        assert wait_until(_is_required, timeout_seconds=30)
        yield
    finally:
        _require("")


def _require(standby: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET synchronous_standby_names = %s", [standby])
        cursor.execute("SELECT pg_reload_conf()")


def _is_required() -> bool:
    """Try a commit: one process of the server tells all the others to wait, some time after the reload."""
    trial = connection.copy()
    with trial.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
        with ThreadPoolExecutor(1) as pool, connection.cursor() as ours:
            commit = pool.submit(cursor.execute, WRITE)
            assert wait_until(lambda: commit.done() or pid in _waiting(), timeout_seconds=30)
            waited = not commit.done()
            ours.execute("SELECT pg_cancel_backend(%s)", [pid])
    trial.close()
    return waited


def _waiting() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        return [pid for (pid,) in cursor.fetchall()]


def wait_for_unconfirmed() -> int:
    """Return the process id of the one session whose commit waits for the standby, once there is one."""
    assert wait_until(lambda: len(_waiting()) == 1, timeout_seconds=30), _waiting()
    return _waiting()[0]


def terminate(pid: int) -> None:
    """End a session as a server does that stops; what it has committed is visible then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
