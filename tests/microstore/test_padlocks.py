"""The API's page: a padlock where a token is looked at, and nowhere else; a summary of one line."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db

METHODS = ("get", "post", "put", "patch", "delete")
TOKEN: dict[str, list[str]] = {"token": []}
NEEDED, OPTIONAL, NONE = [TOKEN], [TOKEN, {}], None
ID_OF_NOBODY = "01a20465-7ba7-742f-b6f6-4741a701e43b"
LONGEST_SUMMARY = 90


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    schema = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]  # drf-spectacular's
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                yield method, path, methods[method]


def fill(path: str, operation: dict[str, Any]) -> str:
    """The address with ids of nothing."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            is_number = parameter["schema"]["type"] == "integer"
            path = path.replace(f"{{{parameter['name']}}}", "999999" if is_number else ID_OF_NOBODY)
    return path


def status(method: str, path: str, **headers: str) -> int:
    client = APIClient(raise_request_exception=False)
    return int(client.generic(method.upper(), path, "{}", "application/json", headers=headers).status_code)


def test_a_padlock_is_where_a_token_is_looked_at_and_nowhere_else() -> None:
    seen = set()
    for method, path, operation in operations():
        security = operation.get("security")
        assert security in (NEEDED, OPTIONAL, NONE), path
        url, name = fill(path, operation), f"{method} {path}"
        without = status(method, url)
        # A token that is none is refused wherever one is looked at, also where none is needed.
        with_a_bad_one = status(method, url, Authorization="Bearer none")
        assert (without == 401) == (security == NEEDED), name
        assert (with_a_bad_one == 401) == (security is not NONE), name
        seen.add(str(security))
    assert str(NEEDED) in seen
    assert len(seen) == (3 if settings.SERVICE == "listings" else 1)


def test_each_operation_has_a_summary_of_one_line() -> None:
    for method, path, operation in operations():
        summary = operation["summary"]
        assert 0 < len(summary) <= LONGEST_SUMMARY, f"{method} {path}: {summary}"
        assert "\n" not in summary
        assert summary[0].isupper()
        assert not summary.endswith(".")


def test_viewers_list_operations_by_what_they_are_about() -> None:
    tags = {path: operation["tags"] for _, path, operation in operations()}
    assert tags == {path: [path.split("/")[2]] for path in tags}
