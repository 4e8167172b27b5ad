"""Outages of the database, as opposed to faults of the program."""

from django.db import Error, InterfaceError, OperationalError, connection
from django.utils.translation import gettext_noop

# https://www.postgresql.org/docs/current/errcodes-appendix.html: read_only_sql_transaction
READ_ONLY = "25006"
UNAVAILABLE = gettext_noop("The database is temporarily unavailable. Retry shortly.")  # to clients


def is_database_outage(error: BaseException) -> bool:
    """Return whether the database is unreachable or read-only, so that a later attempt may succeed."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return isinstance(error, Error) and getattr(error.__cause__, "pgcode", None) == READ_ONLY


def drop_connection() -> None:
    """Close this thread's connection after an outage; Django opens another one for the next query."""
    # After a failover the old connection works and still leads to a server that refuses writes.
    connection.close()
