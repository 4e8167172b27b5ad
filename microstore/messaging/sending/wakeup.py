"""Wakes an idle relay the moment a message is committed: PostgreSQL's NOTIFY, rung only while one sleeps.

A NOTIFY at every commit would let commits through one at a time (PostgreSQL takes a lock for it that covers
the flush to disk). So a relay that goes to sleep takes an advisory lock, and a sender (the SQL function
`outbox_send`) rings only where it cannot share that lock. No message is slept over: the relay gets the lock
only when every sender that did not ring has committed, and looks into the outbox once more before it sleeps.
"""

import select
import time
from collections.abc import Callable

from django.db import connection

CHANNEL = "outbox"
LOCK = 0x6F7574626F78  # "outbox", as in the SQL function
POLL_SECONDS = 0.03  # where another relay holds the lock


class Wakeup:
    """A relay's ear. LISTEN and the lock belong to the session: no PgBouncer in transaction mode here."""

    def __init__(self) -> None:
        self._session: object = None

    def sleep(self, seconds: float, *, unless: Callable[[], bool]) -> bool:
        """Until somebody rings, so long at most; not at all if the condition holds now. True for either."""
        if not self._take_lock():
            time.sleep(POLL_SECONDS)
            return False
        try:
            return unless() or self._listen(seconds)
        finally:
            self._free_lock()

    def _take_lock(self) -> bool:
        with connection.cursor() as cursor:
            if self._session is not connection.connection:
                cursor.execute(f"LISTEN {CHANNEL}")
                self._session = connection.connection
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            return bool(cursor.fetchone()[0])

    def _listen(self, seconds: float) -> bool:
        session = connection.connection
        if not session.notifies:  # it may have rung along with the answer to an earlier statement
            select.select([session], [], [], seconds)
        with connection.wrap_database_errors:
            session.poll()
        rung = bool(session.notifies)
        session.notifies.clear()
        return rung

    def _free_lock(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
