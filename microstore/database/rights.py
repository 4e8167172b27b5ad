"""Privileges of the database roles on tables, granted again by each `migrate`."""

from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connections

RIGHTS = (Path(__file__).parent / "sql/rights.sql").read_text(encoding="utf-8")


def grant_rights(using: str, **migration: Any) -> None:
    """Run rights.sql, and the apps' own files of this name, after `migrate`: a receiver of post_migrate."""
    # `flush` sends the same signal without a plan, and creates no tables.
    if "plan" in migration:
        own = [file for app in apps.get_app_configs() for file in Path(app.path).glob("**/sql/rights.sql")]
        with connections[using].cursor() as cursor:
            for rights in [RIGHTS, *(file.read_text(encoding="utf-8") for file in own)]:
                cursor.execute(rights)
