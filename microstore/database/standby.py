"""Waiting until the synchronous standby has every commit that this process has read.

PostgreSQL hides a commit while it waits for its standby. When the session is cancelled or the server stops,
the wait ends and the commit is visible: orders were published that the standby, a primary by then, never had.
"""

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

# A transaction of its own that writes something: when the standby confirms it, it has all that came before.
# Where no standby has to confirm, nothing is written.
CONFIRM = (
    "SELECT pg_logical_emit_message(true, 'standby', '')"
    " WHERE current_setting('synchronous_standby_names') <> ''"
)


def wait_for_standby(session: BaseDatabaseWrapper | None = None) -> None:
    """Return when the standby, if there is one that must, has confirmed all commits that are visible now.

    `session` is this thread's connection by default, and must not be in a transaction. Raises DatabaseError
    where the server stops meanwhile, and then nobody knows whether these commits will last.
    """
    with (session or connection).cursor() as cursor:
        cursor.execute(CONFIRM)


def open_session() -> BaseDatabaseWrapper:
    """Return another connection to the same database, usable while this thread's is in a transaction."""
    session = connections.create_connection(DEFAULT_DB_ALIAS)
    session.inc_thread_sharing()
    return session
