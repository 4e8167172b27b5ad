"""Privileges of the database roles on tables, granted again by each `migrate`."""

from pathlib import Path
from typing import Any

from django.db import connections

RIGHTS = (Path(__file__).parent / "sql/rights.sql").read_text()


def grant_rights(using: str, **migration: Any) -> None:
    """Run rights.sql after `migrate`, as a receiver of post_migrate."""
    # `flush` sends the same signal without a plan, and creates no tables.
    if "plan" in migration:
        with connections[using].cursor() as cursor:
            cursor.execute(RIGHTS)
