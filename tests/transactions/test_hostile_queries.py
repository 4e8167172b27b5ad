"""Queries that nobody types: each is refused with a reason, or finds nothing; none is an error of ours."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from tests.support.fee_post import FeePost
from tests.support.messages import order_created
from tests.support.problem import read_problem
from tests.support.roles import client_as
from transactions import tasks
from transactions.admin import TransactionAdmin
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

BUYER = 2
ODD_TEXTS: tuple[str, ...] = (
    "\0",
    "abc\0",
    "\ud7ff",
    "'",
    "%",
    "\\",
    "9" * 5_000,
    "-1",
    "1e999999",
    "٣",
    "nan",
    "[]",
    "null",
    " ",
)
LIST = "/admin/transactions/transaction/"


def cursor(position: str) -> str:
    return urlsafe_b64encode(position.encode()).decode()


@pytest.fixture
def sales(fee_post: FeePost) -> list[Transaction]:
    """Thirty armchairs: two pages of the API."""
    tasks.order_created([order_created(buyer_id=BUYER) for _ in range(30)])
    return list(Transaction.objects.all())


@pytest.mark.parametrize("size", [*ODD_TEXTS, "0", "abc", "1.5", "+1", "0x1"])
def test_a_page_size_that_is_no_number_is_refused(client_of: Callable[[int], APIClient], size: str) -> None:
    read_problem(client_of(BUYER).get("/api/transactions/", {"page_size": size}), 400)


@pytest.mark.parametrize(
    "made_up",
    [
        *ODD_TEXTS,
        *("abc", "9" * 5_000, "-1", "1e999999", "nan", "null", "cD0=", "cD", "é", "c" * 100_000),
        *map(cursor, ("p=abc", "p=\0", "p=", "p", "o=abc&p=1", "r=2&p=abc", "p=1&p=2")),
        *map(cursor, ("p=" + "9" * 5_000, "o=" + "9" * 5_000, "o=-1&p=" + str(uuid4()), "p=2026-01-01")),
    ],
)
def test_a_cursor_that_was_made_up_is_not_the_first_page(
    client_of: Callable[[int], APIClient], sales: list[Transaction], made_up: str
) -> None:
    response = client_of(BUYER).get("/api/transactions/", {"cursor": made_up})
    assert response.status_code in (400, 404), response.content[:200]
    read_problem(response, response.status_code)


@pytest.mark.parametrize("parameter", ["order_id", "currency", "status"])
@pytest.mark.parametrize("text", [text for text in ODD_TEXTS if text.strip()])
def test_a_filter_is_answered_whatever_it_is(
    client_of: Callable[[int], APIClient], sales: list[Transaction], parameter: str, text: str
) -> None:
    response = client_of(BUYER).get("/api/transactions/", {parameter: text})
    assert response.status_code == 400 or response.json()["results"] == []


@pytest.mark.parametrize(
    "parameter",
    [
        "q",
        "status__exact",
        "currency",
        "age",
        "p",
        "o",
        "all",
        "e",
        "id",
        "id__gt",
        "order_id",
        "reason__regex",
    ],
)
@pytest.mark.parametrize("page", ["", "export/", "totals/"])
def test_a_list_of_the_admin_is_answered_whatever_is_searched(
    sales: list[Transaction], page: str, parameter: str
) -> None:
    client = client_as("finance")
    for text in (*ODD_TEXTS, "abc", "3"):
        response = client.get(f"{LIST}{page}", {parameter: text})
        assert response.status_code < 500, text
        response.getvalue()


@pytest.mark.parametrize("lookup", ["id", "id__gt", "order_id", "reason__regex", "status__regex", "made"])
def test_a_list_of_the_admin_has_no_filter_but_its_own(sales: list[Transaction], lookup: str) -> None:
    assert client_as("finance").get(LIST, {lookup: "recorded"}).status_code == 400


@pytest.mark.parametrize(
    ("lookup", "value"), [("status__exact", "recorded"), ("age", "day"), ("currency", "EUR")]
)
def test_a_list_of_the_admin_has_its_own_filters(sales: list[Transaction], lookup: str, value: str) -> None:
    response = client_as("finance").get(LIST, {lookup: value})
    assert (response.status_code, len(response.context["cl"].result_list)) == (200, 30)


def test_a_page_beyond_the_last_is_not_exported(
    sales: list[Transaction], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TransactionAdmin, "list_per_page", 10)
    assert client_as("finance").get(f"{LIST}export/", {"p": "9"}).status_code == 400


@pytest.mark.parametrize("page", ["{}/change/", "{}/history/", "{}/delete/", "{}/"])
def test_a_row_that_cannot_be_is_not_found(page: str) -> None:
    client = client_as("finance")
    for text in ODD_TEXTS:
        assert client.get(LIST + page.format(quote(text))).status_code in (302, 403, 404), text


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_a_trace_that_cannot_be_is_looked_for_in_the_list(text: str) -> None:
    response = client_as("support").get("/admin/trace/", {"q": text}, follow=True)
    assert response.status_code == 200
