"""A client knows by the type what to do: log in, get a new token, wait, or mend its query."""

import time
from typing import Any

import pytest
from django.conf import settings as django_settings
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, Throttled
from rest_framework.test import APIClient

from microstore.http import problems
from microstore.http.schema_view import rendered_schema
from tests.support.problem import read_problem
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db

NOW = time.time()
LISTS = {
    "listings": ["/api/listings/", "/api/orders/", "/api/notifications/", "/api/categories/"],
    "transactions": ["/api/transactions/"],
}[django_settings.SERVICE]
WITHOUT_PAGES = {
    "listings": ["/api/auth/sessions/"],
    "transactions": ["/api/balance/"],
}[django_settings.SERVICE]
OWN = {"listings": "/api/orders/", "transactions": "/api/transactions/"}[django_settings.SERVICE]


def ask(path: str, authorization: str | None = None) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return APIClient(raise_request_exception=False).get(path, headers=headers)


def token(**claims: Any) -> str:
    return f"Bearer {sign(claims_of(7) | claims)}"


@pytest.mark.parametrize(
    ("authorization", "kind"),
    [
        (None, "not-logged-in"),
        ("Basic Ym9iOmJvYg==", "not-logged-in"),
        (token(iat=int(NOW) - 7_200, exp=int(NOW) - 3_600), "token-expired"),
        ("Bearer", "token-invalid"),
        ("Bearer none", "token-invalid"),
        ("Bearer two words", "token-invalid"),
        (token(iss="somebody else", exp=int(NOW) + 86_400), "token-invalid"),  # made long before it is used
    ],
)
def test_a_401_says_which(authorization: str | None, kind: str) -> None:
    response = ask(OWN, authorization)
    assert read_problem(response, 401)["type"] == f"urn:microstore:problem:{kind}"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_429_says_for_how_long() -> None:
    response: Any = problems.as_json(Throttled(wait=1.2))
    assert read_problem(response, 429)["type"] == "urn:microstore:problem:too-many-requests"
    assert response.headers["Retry-After"] == "2"


@pytest.mark.parametrize("error", [NotAuthenticated(), AuthenticationFailed()])
def test_a_403_of_a_view_without_tokens_stays_one(error: Any) -> None:
    error.status_code = 403
    response: Any = problems.as_json(error)
    assert read_problem(response, 403)["type"] == "about:blank"


@pytest.mark.parametrize("path", [*LISTS, *WITHOUT_PAGES])
@pytest.mark.parametrize("name", ["statuss", "Status", "limit", "page"])
def test_a_filter_that_a_list_does_not_know_is_refused(path: str, name: str) -> None:
    problem = read_problem(ask(f"{path}?{name}=completed", token()), 400)
    assert problem["errors"] == {name: ["Unknown parameter."]}


@pytest.mark.parametrize("path", LISTS)
def test_what_a_list_knows_is_not_refused(path: str) -> None:
    known = "format=json" if "categories" in path else "page_size=5&format=json"
    assert ask(f"{path}?{known}", token()).status_code == 200


def operations() -> list[tuple[str, dict[str, Any]]]:
    """Path and description of each operation in the schema."""
    import yaml  # as the schema's renderer does
    from drf_spectacular.renderers import OpenApiYamlRenderer

    paths = yaml.safe_load(rendered_schema(OpenApiYamlRenderer)[0])["paths"]
    return [(path, operation) for path, methods in paths.items() for operation in methods.values()]


def test_ids_in_addresses_have_the_type_of_those_in_bodies() -> None:
    for path, operation in operations():
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                schema = parameter["schema"]
                assert (schema["type"], schema["format"]) in (("integer", "int64"), ("string", "uuid")), path
