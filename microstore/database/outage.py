"""Distinguishes an outage of the database from a fault of the program."""

from django.db import Error, InterfaceError, OperationalError, connection

# https://www.postgresql.org/docs/current/errcodes-appendix.html: read_only_sql_transaction
READ_ONLY = "25006"


def is_database_outage(error: BaseException) -> bool:
    """Return whether the database is unreachable or read-only, so that a later attempt may succeed."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return isinstance(error, Error) and getattr(error.__cause__, "pgcode", None) == READ_ONLY


def meet_database_outage(error: BaseException) -> bool:
    """The same, and leave the connection: it may stay read-only when the database no longer is."""
    if not is_database_outage(error):
        return False
    connection.close()
    return True
