"""The clock of the database, for decisions that cannot be undone, and what a wrong one has left."""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now


def database_now() -> datetime:
    """Return the database's present time, which all processes share.

    A host whose clock is wrong must not delete rows or let orders expire that others have just written.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")  # now() is when the transaction began
        moment: datetime = cursor.fetchone()[0]
    return moment


def make_future_due(waiting: QuerySet[Any]) -> int:
    """Make rows due that were created in the future, and return how many they are.

    A database whose clock was ahead has stored them, until another one took over or the clock was put right.
    """
    return waiting.filter(due_at__gt=Now(), created_at__gt=Now()).update(due_at=Now())
