"""Rights of the roles in the tables that migrations have made."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import ProgrammingError, connection, transaction

from microstore.staff.models import StaffAction

APP, READER = "microstore_app", "microstore_reader"

pytestmark = pytest.mark.django_db


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    """Everything within the block is done with the rights of this role, and undone after it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {role}")
        yield
        transaction.set_rollback(True)


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_reader_reads_every_table_but_sessions() -> None:
    tables = set(connection.introspection.table_names())
    refused = set()
    for table in tables:
        with acting_as(READER):
            try:
                with transaction.atomic():
                    run(f"SELECT count(*) FROM {table}")
            except ProgrammingError:
                refused.add(table)
    assert refused == {"django_session"}


@pytest.mark.parametrize("columns", ["username, email, is_staff, last_login", "count(*)"])
def test_the_reader_reads_who_is_there(columns: str) -> None:
    with acting_as(READER):
        run(f"SELECT {columns} FROM auth_user GROUP BY id")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT password FROM auth_user",
        "SELECT * FROM auth_user",
        "SELECT session_key FROM django_session",
        "SELECT session_data FROM django_session",
        "DELETE FROM staff_staffaction",
        "INSERT INTO auth_group (name) VALUES ('operators')",
    ],
)
def test_the_reader_cannot_become_somebody_else(statement: str) -> None:
    refused = pytest.raises(ProgrammingError, match="permission denied")
    with acting_as(READER), refused, transaction.atomic():
        run(statement)


@pytest.mark.parametrize(
    "statement", ["UPDATE staff_staffaction SET reason = ''", "DELETE FROM staff_staffaction"]
)
def test_what_staff_did_is_never_changed_by_a_process(statement: str) -> None:
    with acting_as(APP):
        StaffAction.objects.create(by="carol", action="withdrew", target="listing 7", reason="counterfeit")
        assert StaffAction.objects.filter(by="carol").exists()
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            run(statement)


def test_a_process_changes_rows_of_every_other_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only'")
        append_only = {table for (table,) in cursor.fetchall()}
    for table in set(connection.introspection.table_names()) - {"staff_staffaction"} - append_only:
        with acting_as(APP):
            run(f"DELETE FROM {table} WHERE false")
            run(f"SELECT count(*) FROM {table}")
