"""Waking an idle relay when a message is committed, by PostgreSQL's NOTIFY.

A NOTIFY at every commit would let commits through one at a time (PostgreSQL takes a lock for it that covers
the flush to disk). So a relay that goes to sleep takes an advisory lock, and a sender (the SQL function
`outbox_send`) notifies only where it cannot share that lock. No message is missed: the relay gets the lock
only when every sender that did not notify has committed, and queries the outbox once more before it sleeps.
"""

import select
import time
from collections.abc import Callable

from django.db import connection

CHANNEL = "outbox"
LOCK = 0x6F7574626F78  # "outbox", as in the SQL function
POLL_SECONDS = 0.03  # where another relay holds the lock


class Wakeup:
    """Sleep of a relay. LISTEN and the lock need its session: no PgBouncer in transaction mode here."""

    def __init__(self) -> None:
        self._session: object = None

    def sleep(self, seconds: float, *, unless: Callable[[], bool]) -> bool:
        """Sleep until a sender notifies, `seconds` at most, and not at all if the condition holds now.

        Return whether either was the case.
        """
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
        if not session.notifies:  # one may have come along with the answer to an earlier statement
            select.select([session], [], [], seconds)
        with connection.wrap_database_errors:
            session.poll()
        notified = bool(session.notifies)
        session.notifies.clear()
        return notified

    def _free_lock(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
