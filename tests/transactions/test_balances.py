"""A seller's balances are sums of the ledger: pending for some days, then available, less refunds."""

import csv
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from microstore.contracts.transactions import OrderCreated
from microstore.http import cors
from tests.support.fee_post import FeePost
from tests.support.messages import CURRENCIES, order_cancelled, order_created, refund_requested
from tests.support.problem import read_problem
from tests.support.tokens import claims_of, sign
from transactions import tasks
from transactions.ledger.balances import Balance, available, balances_of
from transactions.ledger.models import Entry
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

ALICE, BOB, CAROL = 1, 2, 3
QUERIES_OF_A_PAGE = 3  # entries with their journals, orders and refunds, the balances until there


def sell(*prices: int, currency: str = "EUR", seller_id: int = ALICE) -> list[OrderCreated]:
    orders = [
        order_created(currency=currency, unit_price_cents=price, seller_id=seller_id, buyer_id=BOB)
        for price in prices
    ]
    tasks.order_created(orders)
    return orders


def amounts(found: Sequence[Balance]) -> list[tuple[Any, ...]]:
    """Return seller, currency, pending and available amount of each."""
    return [balance[:4] for balance in found]


def refund(order: OrderCreated) -> None:
    total = Transaction.objects.get(order_id=order.order_id).total_cents
    assert total
    tasks.refund_requested([refund_requested(order, total)])


def read(client: APIClient, url: str, **parameters: Any) -> list[dict[str, Any]]:
    """All results, page by page."""
    page = client.get(url, parameters).json()
    results = list(page["results"])
    while page["next"]:
        page = client.get(page["next"]).json()
        results += page["results"]
    return results


@pytest.mark.parametrize("currency", CURRENCIES)
def test_income_is_pending_and_then_available(
    fee_post: FeePost, client_of: Callable[[int], APIClient], settings: Settings, currency: str
) -> None:
    sell(5_000, currency=currency)
    settings.HOLD_DAYS = 0
    sell(700, 10, currency=currency)
    settings.PAYOUT_EVERY_DAYS, settings.PAYOUT_MINIMUM_UNITS = 14, 10
    shown = {"pending_cents": 5_000, "available_cents": 710}
    least = {"EUR": 1_000, "JPY": 10, "KWD": 10_000}[currency]
    assert client_of(ALICE).get("/api/balance/").json() == {
        "hold_days": 0,
        "payout_every_days": 14,
        "balances": [{"currency": currency, **shown, "payout_minimum_cents": least}],
    }
    assert client_of(BOB).get("/api/balance/").json()["balances"] == []


@pytest.mark.parametrize("days", [-30, 30])
def test_income_is_held_by_the_databases_clock(
    fee_post: FeePost, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """The clock of the worker's host is a month off."""
    now = timezone.now
    with monkeypatch.context() as wrong:
        wrong.setattr(timezone, "now", lambda: now() + timedelta(days=days))
        sell(5_000)
    assert amounts(balances_of(ALICE)) == [(ALICE, "EUR", 5_000, 0)]
    held_until = Entry.objects.get(account="payable").available_at
    assert held_until
    assert held_until - now() < timedelta(days=8)


def test_each_currency_has_a_balance_of_its_own(fee_post: FeePost) -> None:
    for price, currency in enumerate(CURRENCIES, 1_000):
        sell(price, currency=currency)
    assert amounts(balances_of(ALICE)) == [
        (ALICE, "EUR", 1_000, 0),
        (ALICE, "JPY", 1_001, 0),
        (ALICE, "KWD", 1_002, 0),
    ]


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize(("hold_days", "pending"), [(7, 1_000), (0, 0)])
def test_a_refund_and_a_void_are_taken_from_where_the_income_is(
    fee_post: FeePost, settings: Settings, hold_days: int, pending: int, currency: str
) -> None:
    settings.HOLD_DAYS = hold_days
    refunded, voided, _ = sell(5_000, 3_000, 1_000, currency=currency)
    refund(refunded)
    tasks.order_cancelled([order_cancelled(voided)])
    assert amounts(balances_of(ALICE)) == [(ALICE, currency, pending, 1_000 - pending)]


def test_what_is_available_is_found_for_all_sellers_or_for_some(
    fee_post: FeePost, settings: Settings
) -> None:
    sell(9_000, seller_id=ALICE)
    settings.HOLD_DAYS = 0
    for currency in CURRENCIES:
        sell(500, currency=currency, seller_id=BOB)
    sell(499, seller_id=CAROL)
    (refunded,) = sell(600, seller_id=7)
    refund(refunded)
    assert [balance[:2] for balance in available(minimum_cents=500)] == [(BOB, each) for each in CURRENCIES]
    assert [balance.seller_id for balance in available()] == [BOB] * 3 + [CAROL]
    assert amounts(available(sellers=[CAROL, ALICE])) == [(CAROL, "EUR", 0, 499)]


@pytest.mark.parametrize("currency", CURRENCIES)
def test_what_is_posted_as_paid_out_is_not_available_again(
    fee_post: FeePost, settings: Settings, currency: str
) -> None:
    settings.HOLD_DAYS = 0
    (sale,) = sell(5_000, currency=currency)
    pay_out(ALICE, 5_000, currency)
    assert available() == []
    refund(sale)
    sell(2_000, currency=currency)
    assert amounts(balances_of(ALICE)) == [(ALICE, currency, 0, -3_000)]


def pay_out(seller_id: int, amount_cents: int, currency: str) -> None:
    """Post as a payout does: a debit in the seller's account that is available at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH posted AS (
                INSERT INTO transactions_journal (kind, subject_id, occurred_at)
                VALUES ('payout', gen_random_uuid(), now()) RETURNING id
            )
            INSERT INTO transactions_entry
                (id, journal_id, account, owner_id, currency, amount_cents, available_at)
            SELECT id * 8 + line, id, account, owner_id, %(currency)s, amount_cents, available_at
            FROM posted, (VALUES
                (1, 'payable', %(seller)s, %(amount)s, now()), (2, 'bank', 0, -%(amount)s, NULL)
            ) AS lines (line, account, owner_id, amount_cents, available_at)
            """,
            {"seller": seller_id, "amount": amount_cents, "currency": currency},
        )


def test_a_ledger_has_each_movement_with_the_balance_after_it(
    fee_post: FeePost, client_of: Callable[[int], APIClient]
) -> None:
    (sale,) = sell(5_000)
    sell(7, currency="JPY")
    refund(sale)
    sell(300)
    lines = read(client_of(ALICE), "/api/ledger/")
    shown = [(each["kind"], each["currency"], each["amount_cents"], each["balance_cents"]) for each in lines]
    assert shown == [
        ("sale", "EUR", 300, 300),
        ("refund", "EUR", -5_000, 0),
        ("sale", "JPY", 7, 7),
        ("sale", "EUR", 5_000, 5_000),
    ]
    assert {lines[1]["order_id"], lines[3]["order_id"]} == {str(sale.order_id)}
    assert lines[1]["available_at"] == lines[3]["available_at"] > lines[3]["occurred_at"]


def test_the_balance_runs_on_from_page_to_page_in_each_currency(
    fee_post: FeePost, client_of: Callable[[int], APIClient]
) -> None:
    for currency in CURRENCIES:
        orders = sell(*range(100, 110), currency=currency)
        refund(orders[3])
        sell(9_999, currency=currency, seller_id=CAROL)
    lines = read(client_of(ALICE), "/api/ledger/", page_size=7)
    assert len(lines) == 33
    for currency in CURRENCIES:
        own = [line for line in reversed(lines) if line["currency"] == currency]
        assert [line["balance_cents"] for line in own] == running(line["amount_cents"] for line in own)
        assert read(client_of(ALICE), "/api/ledger/", page_size=5, currency=currency) == own[::-1]


def running(amounts: Any) -> list[int]:
    sums: list[int] = []
    for amount in amounts:
        sums.append((sums[-1] if sums else 0) + amount)
    return sums


@pytest.mark.parametrize("prices", [[], [100], range(100, 200)])
def test_a_page_takes_the_same_queries_however_much_was_sold(
    fee_post: FeePost,
    client_of: Callable[[int], APIClient],
    django_assert_num_queries: DjangoAssertNumQueries,
    prices: Sequence[int],
) -> None:
    sell(*prices)
    client = client_of(ALICE)
    with django_assert_num_queries(1):
        assert client.get("/api/balance/").status_code == 200
    with django_assert_num_queries(QUERIES_OF_A_PAGE if prices else 1):
        assert client.get("/api/ledger/", {"page_size": 50}).status_code == 200


@pytest.mark.parametrize("url", ["/api/balance/", "/api/ledger/"])
def test_without_a_token_no_balance_is_shown(anybody: APIClient, url: str) -> None:
    read_problem(anybody.get(url), 401)


@pytest.mark.parametrize("kind", ["access", "balance"])
def test_a_token_of_the_page_opens_balance_ledger_and_payouts_and_nothing_else(kind: str) -> None:
    client = APIClient(headers={"Authorization": f"Bearer {sign(claims_of(ALICE, token_type=kind))}"})
    names = ("balance", "ledger", "payouts", "transactions")
    statuses = [client.get(f"/api/{name}/").status_code for name in names]
    assert statuses == [200, 200, 200, 200 if kind == "access" else 401]


@pytest.mark.parametrize("kind", ["live", "refresh"])
def test_other_tokens_show_no_balance(kind: str) -> None:
    client = APIClient(headers={"Authorization": f"Bearer {sign(claims_of(ALICE, token_type=kind))}"})
    assert client.get("/api/balance/").status_code == 401


def test_the_shop_s_pages_may_read_balances_and_no_other_s_may(
    client_of: Callable[[int], APIClient], settings: Settings
) -> None:
    settings.CORS_ALLOWED_ORIGINS = cors.origins_of(["https://shop.example/", "http://127.0.0.1:8000"])
    allowed = {
        origin: client_of(ALICE).get("/api/balance/", headers={"Origin": origin}).headers
        for origin in ("https://shop.example", "http://127.0.0.1:8000", "https://evil.example")
    }
    shown = {origin: headers.get("Access-Control-Allow-Origin") for origin, headers in allowed.items()}
    assert shown == {
        "https://shop.example": "https://shop.example",
        "http://127.0.0.1:8000": "http://127.0.0.1:8000",
        "https://evil.example": None,
    }


def test_a_seller_downloads_the_ledger_of_a_month_with_money_as_money(
    fee_post: FeePost, client_of: Callable[[int], APIClient]
) -> None:
    [order] = sell(5_000)
    sell(700, currency="JPY")
    sell(9_900, seller_id=CAROL)
    refund(order)
    now = timezone.now()
    answer = client_of(ALICE).get("/api/ledger/statement/", {"month": f"{now:%Y-%m}"}, HTTP_ACCEPT="text/csv")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="statement-{now:%Y-%m}.csv"'
    rows = list(csv.DictReader(answer.getvalue().decode().splitlines()))
    assert [(row["kind"], row["currency"], row["amount"], row["balance"]) for row in rows] == [
        ("refund", "EUR", "-50.00", "0.00"),
        ("sale", "JPY", "700", "700"),
        ("sale", "EUR", "50.00", "50.00"),
    ]
    assert rows[0]["order_id"] == str(order.order_id)
    before = (now.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    assert len(client_of(ALICE).get("/api/ledger/statement/", {"month": before}).getvalue().splitlines()) == 1


@pytest.mark.parametrize("month", ["", "2026", "2026-13", "2026-1", "=1+1", "2026-11\0"])
def test_a_statement_is_of_a_month(client_of: Callable[[int], APIClient], month: str) -> None:
    problem = read_problem(client_of(ALICE).get("/api/ledger/statement/", {"month": month}), 400)
    assert list(problem["errors"]) == ["month"]
