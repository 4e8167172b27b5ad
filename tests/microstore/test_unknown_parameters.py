"""No GET ignores a query parameter: a misspelt one, or the first of two, would seem to have had an effect."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.microstore.test_padlocks import fill, operations
from tests.support.problem import read_problem
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db


def ask(address: str) -> Any:
    headers = {"Authorization": f"Bearer {sign(claims_of(7))}"}
    return APIClient(raise_request_exception=False).get(address, headers=headers)


def test_each_get_of_the_schema_refuses_what_it_does_not_know() -> None:
    asked = set()
    for method, path, operation in operations():
        if method != "get":
            continue
        assert "400" in operation["responses"], path
        response = ask(f"{fill(path, operation)}?colour=green")
        if response.status_code == 404 and operation["operationId"].endswith("_list"):
            continue  # a list of something that is not there
        assert response.status_code == 400, f"{path}: {response.status_code}"
        assert read_problem(response, 400)["errors"] == {"colour": ["Unknown parameter."]}, path
        asked.add(path)
    assert len(asked) >= 6


def test_each_parameter_of_the_schema_is_refused_where_it_is_repeated() -> None:
    repeated = set()
    for method, path, operation in operations():
        names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
        for name in names if method == "get" and path != "/api/schema/" else ():
            response = ask(f"{fill(path, operation)}?{name}=1&{name}=2")
            if response.status_code != 404:  # of a list of something that is not there
                assert read_problem(response, 400)["errors"] == {name: ["Name it once."]}, path
                repeated.add(name)
    assert len(repeated) >= 4
