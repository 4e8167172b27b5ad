"""Buyers and sellers look at what their sales cost."""

import os
from collections.abc import Callable
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from fees.server import FunctionUrlServer
from tests.support.fee_post import FeePost
from tests.support.messages import order_created
from tests.support.problem import read_problem
from tests.support.tokens import FORGERIES, forge
from transactions import tasks
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

ALICE, BOB, CAROL = 1, 2, 3
QUERIES_OF_A_PAGE = 1


@pytest.fixture
def sale(fee_post: FeePost) -> Transaction:
    """Bob has bought Alice's armchair."""
    tasks.order_created([order_created(seller_id=ALICE, buyer_id=BOB)])
    return Transaction.objects.get()


@pytest.mark.parametrize("user_id", [ALICE, BOB])
def test_buyer_and_seller_see_the_sale(
    client_of: Callable[[int], APIClient], sale: Transaction, user_id: int
) -> None:
    expected = {
        "id": str(sale.pk),
        "order_id": str(sale.order_id),
        "listing_id": 7,
        "buyer_id": BOB,
        "seller_id": ALICE,
        "quantity": 1,
        "price_cents": 24_900,
        "currency": "EUR",
        "title": "Crunchy armchair",
        "description": "It creaks.",
        "category": "furniture",
        "picture": "/media/armchair.webp",
        "status": "recorded",
        "fee_cents": sale.fee_cents,
        "total_cents": sale.total_cents,
        "fee_rule": sale.fee_rule,
        "commission_cents": 0 if user_id == ALICE else None,  # the seller's alone to know
        "fee_breakdown": sale.fee_breakdown,
        "reason": "",
        "trace_id": sale.trace_id,
        "created_at": sale.created_at.isoformat().replace("+00:00", "Z"),
        "voided_at": None,
    }
    client = client_of(user_id)
    assert client.get(f"/api/transactions/{sale.pk}/").json() == expected
    assert client.get("/api/transactions/").json()["results"] == [expected]


def test_others_do_not_see_it(client_of: Callable[[int], APIClient], sale: Transaction) -> None:
    read_problem(client_of(CAROL).get(f"/api/transactions/{sale.pk}/"), 404)
    assert client_of(CAROL).get("/api/transactions/").json()["results"] == []


@pytest.mark.parametrize("sale_id", [str(uuid4()), "-" * 36, "1", "armchair", "%00", "f" * 36])
def test_a_sale_that_never_was_cannot_be_found(client_of: Callable[[int], APIClient], sale_id: str) -> None:
    read_problem(client_of(BOB).get(f"/api/transactions/{sale_id}/"), 404)


def test_sales_are_found_by_order(client_of: Callable[[int], APIClient], sale: Transaction) -> None:
    tasks.order_created([order_created(seller_id=ALICE, buyer_id=BOB)])
    found = client_of(BOB).get("/api/transactions/", {"order_id": str(sale.order_id)}).json()["results"]
    assert [row["id"] for row in found] == [str(sale.pk)]


@pytest.mark.parametrize("query", ["order_id=armchair", "status=sold", "order_id=%00", "currency=%00"])
def test_a_filter_that_makes_no_sense_is_refused(
    client_of: Callable[[int], APIClient], sale: Transaction, query: str
) -> None:
    read_problem(client_of(BOB).get(f"/api/transactions/?{query}"), 400)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_sale_is_only_looked_at(
    client_of: Callable[[int], APIClient], sale: Transaction, method: str
) -> None:
    before = Transaction.objects.values().get()
    for url in ("/api/transactions/", f"/api/transactions/{sale.pk}/"):
        read_problem(getattr(client_of(BOB), method)(url, {"fee_cents": 0}, format="json"), 405)
    assert Transaction.objects.values().get() == before


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forged_token_opens_nothing(anybody: APIClient, sale: Transaction, kind: str) -> None:
    headers = {"Authorization": f"Bearer {forge(kind, BOB)}"}
    for url in ("/api/transactions/", f"/api/transactions/{sale.pk}/"):
        read_problem(anybody.get(url, headers=headers), 401)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic Ym9iOmJvYg=="])
def test_without_a_token_nothing_is_seen(anybody: APIClient, sale: Transaction, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for url in ("/api/transactions/", f"/api/transactions/{sale.pk}/"):
        read_problem(anybody.get(url, headers=headers), 401)


def test_this_service_holds_the_public_key_alone() -> None:
    assert settings.SIMPLE_JWT["SIGNING_KEY"] == ""
    assert os.environ["JWT_PRIVATE_KEY"] not in map(str, settings.SIMPLE_JWT.values())
    load_pem_public_key(str(settings.SIMPLE_JWT["VERIFYING_KEY"]).encode())
    with pytest.raises(Exception, match="key"):
        str(AccessToken())


def test_no_account_is_needed_here(
    client_of: Callable[[int], APIClient],
    sale: Transaction,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_of(BOB)
    with django_assert_num_queries(QUERIES_OF_A_PAGE):
        assert client.get("/api/transactions/").status_code == 200


def test_pages_show_each_sale_once_newest_first(
    client_of: Callable[[int], APIClient], fee_function: FunctionUrlServer, fee_post: FeePost
) -> None:
    tasks.order_created([order_created(seller_id=ALICE, buyer_id=BOB) for _ in range(45)])
    seen, url = [], "/api/transactions/"
    while url:
        page = client_of(BOB).get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == sorted((str(row.pk) for row in Transaction.objects.all()), reverse=True)
    assert len(seen) == 45
