"""The clock of the database, for decisions that cannot be undone."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Return the database's present time, which all processes share.

    A host whose clock is wrong must not delete rows or let orders expire that others have just written.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")  # now() is when the transaction began
        moment: datetime = cursor.fetchone()[0]
    return moment
