"""Rights of the database's roles on its tables, set anew by each `migrate`."""

from pathlib import Path
from typing import Any

from django.db import connections

RIGHTS = (Path(__file__).parent / "sql/rights.sql").read_text()


def grant_rights(using: str, **migration: Any) -> None:
    """Grant what rights.sql says, after `migrate`; `flush`, which sends the same signal, changes no table."""
    if "plan" in migration:
        with connections[using].cursor() as cursor:
            cursor.execute(RIGHTS)
