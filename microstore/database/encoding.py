"""The encoding that a database must have for what the services do with text."""

from typing import Any

from django.core.management import CommandError
from django.db import connections


def ensure_utf8(using: str, **migration: Any) -> None:
    """Refuse, as a receiver of pre_migrate, a database whose encoding is another one.

    In SQL_ASCII, which `initdb` chooses where no locale is set, tables are made and the first search fails.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        [encoding] = cursor.fetchone()
    if encoding != "UTF8":
        raise CommandError(
            f"The database has the encoding {encoding}: create it with ENCODING 'UTF8' TEMPLATE template0."
        )
