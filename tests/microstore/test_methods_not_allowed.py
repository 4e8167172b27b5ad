"""An address that refuses a method answers with a page or a problem, and names the methods that it takes."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from microstore.refusal import CONTENT_TYPE
from tests.support.addresses import addresses
from tests.support.problem import read_problem

pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")
READ_ONLY = ("/health/live", "/health/ready", "/metrics", "/api/messages/", "/api/messages.yaml")


@pytest.mark.parametrize("accept", ["text/html", CONTENT_TYPE])
def test_no_refusal_of_a_method_is_empty(client: Client, accept: str) -> None:
    client.force_login(User.objects.create_superuser("carol"))
    client.raise_request_exception = False
    refused = set()
    for address in addresses():
        for method in METHODS:
            response = client.generic(method, address, headers={"Accept": accept})
            if response.status_code != 405:
                continue
            refused.add(address)
            assert response.headers["Allow"], (method, address)
            is_page = accept == "text/html" and not address.startswith("/api/")
            if is_page:
                assert "This address takes only" in response.content.decode(), (method, address)
            else:
                read_problem(response, 405)
    assert refused


def test_somebody_who_is_logged_in_finds_a_page_where_there_is_nothing(client: Client) -> None:
    client.force_login(User.objects.create_user("bob"))
    response = client.get("/nothing/", headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert "There is nothing at /nothing/." in response.content.decode()


@pytest.mark.parametrize("method", ["POST", "DELETE", "TRACE"])
@pytest.mark.parametrize("address", READ_ONLY)
def test_what_is_only_read_refuses_to_be_changed(client: Client, address: str, method: str) -> None:
    assert client.generic(method, address).status_code == 405


def test_other_services_only_post_their_queries(client: Client) -> None:
    assert client.get("/staff/trace").status_code == 405


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json"])
def test_every_address_says_which_methods_it_takes(client: Client, accept: str) -> None:
    client.force_login(User.objects.create_superuser("carol"))
    client.raise_request_exception = False
    for address in addresses():
        response = client.options(address, headers={"Accept": accept})
        assert response.status_code < 500, address
