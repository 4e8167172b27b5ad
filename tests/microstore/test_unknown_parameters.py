"""No GET ignores a query parameter that it does not know: a misspelt one would seem to have had an effect."""

import pytest
from rest_framework.test import APIClient

from tests.microstore.test_padlocks import fill, operations
from tests.support.problem import read_problem
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db


def test_each_get_of_the_schema_refuses_what_it_does_not_know() -> None:
    asked = set()
    for method, path, operation in operations():
        if method != "get":
            continue
        assert "400" in operation["responses"], path
        response = APIClient(raise_request_exception=False).get(
            f"{fill(path, operation)}?colour=green", headers={"Authorization": f"Bearer {sign(claims_of(7))}"}
        )
        if response.status_code == 404 and operation["operationId"].endswith("_list"):
            continue  # a list of something that is not there
        assert response.status_code == 400, f"{path}: {response.status_code}"
        assert read_problem(response, 400)["errors"] == {"colour": ["Unknown parameter."]}, path
        asked.add(path)
    assert len(asked) >= 6
