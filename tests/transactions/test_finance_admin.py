"""Finance looks at the ledger and at refunds: searched, added up by day and currency, and exported safely."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from microstore.contracts.transactions import OrderCreated
from microstore.staff.lists import first_id_at, month_of
from microstore.staff.models import StaffAction
from tests.support.fee_post import FeePost
from tests.support.messages import CURRENCIES, order_cancelled, order_created, refund_requested
from tests.support.roles import client_as
from transactions import tasks
from transactions.ledger.journals import first_journal_since
from transactions.models import Entry, Journal, Refund, Transaction

pytestmark = pytest.mark.django_db

ALICE, BOB = 1, 2
# No sequence comes near: the search takes the number for a journal's too.
CAROL, NOBODY = 7_007_007, 8_008_008


@pytest.fixture
def finance() -> Client:
    return client_as("finance")


@pytest.fixture
def sell(fee_post: FeePost) -> Callable[..., OrderCreated]:
    def make(currency: str = "EUR", **fields: Any) -> OrderCreated:
        order = order_created(currency=currency, **{"seller_id": ALICE, "buyer_id": BOB} | fields)
        tasks.order_created([order])
        return order

    return make


def refund(order: OrderCreated, amount_cents: int = 1_000, reason: str = "A leg is loose") -> Refund:
    request = refund_requested(order, amount_cents).model_copy(update={"reason": reason})
    tasks.refund_requested([request])
    return Refund.objects.get(pk=request.refund_id)


def found(client: Client, model: str, **query: str) -> list[Any]:
    page = client.get(f"/admin/transactions/{model}/", query)
    assert page.status_code == 200
    return list(page.context["cl"].result_list)


def exported(client: Client, model: str, **query: str) -> list[dict[str, str]]:
    response = client.get(f"/admin/transactions/{model}/export/", query)
    return list(csv.DictReader(io.StringIO(response.getvalue().decode(), newline="")))


def test_journals_and_entries_are_found_by_what_they_are_about(
    finance: Client, sell: Callable[..., OrderCreated]
) -> None:
    sell()
    order = sell(seller_id=CAROL)
    refunded = refund(order)
    sold = Transaction.objects.get(order_id=order.order_id)
    both = {("sale", sold.pk), ("refund", refunded.pk)}
    for term in (order.order_id, sold.pk, sold.pk.hex, sold.pk.hex[:20], str(order.order_id)[:30]):
        assert {(each.kind, each.subject_id) for each in found(finance, "journal", q=str(term))} == both
        assert len(found(finance, "entry", q=str(term))) == 6
    assert [each.kind for each in found(finance, "journal", q=str(refunded.pk))] == ["refund"]
    journal = Journal.objects.get(kind="refund")
    assert found(finance, "journal", q=str(journal.pk)) == [journal]
    assert [each.amount_cents < 0 for each in found(finance, "entry", q=str(CAROL))] == [False, True]
    assert found(finance, "entry", q="armchair") == found(finance, "journal", q=str(NOBODY)) == []


def test_a_journal_shows_its_entries_and_an_entry_its_journal(
    finance: Client, sell: Callable[..., OrderCreated]
) -> None:
    sell(currency="KWD", unit_price_cents=7_721)
    journal, entry = Journal.objects.get(), Entry.objects.get(account="payable")
    page = finance.get(f"/admin/transactions/journal/{journal.pk}/change/").content.decode()
    assert "Payable to a seller of 1: -7.721 KWD" in page
    assert "Fee income of the marketplace" in page
    page = finance.get(f"/admin/transactions/entry/{entry.pk}/change/").content.decode()
    assert f'href="/admin/transactions/journal/{journal.pk}/change/"' in page


def test_refunds_are_found_and_filtered(finance: Client, sell: Callable[..., OrderCreated]) -> None:
    order = sell()
    done, refused = refund(order), refund(order, 10**9)
    sold = Transaction.objects.get()
    assert found(finance, "refund", q=str(done.pk)) == found(finance, "refund", q=str(done.pk)[:23]) == [done]
    assert set(found(finance, "refund", q=str(order.order_id)[:8])) == {done, refused}
    assert set(found(finance, "refund", q=str(order.order_id))) == {done, refused}
    assert set(found(finance, "refund", q=str(sold.pk))) == {done, refused}
    assert found(finance, "refund", status__exact="refused") == [refused]


@pytest.mark.parametrize(
    ("now", "before", "since", "until"),
    [
        ((2026, 11, 29, 23), False, (2026, 11, 1), (2026, 12, 1)),
        ((2026, 11, 29, 23), True, (2026, 10, 1), (2026, 11, 1)),
        ((2027, 1, 1, 0), True, (2026, 12, 1), (2027, 1, 1)),
        ((2028, 2, 29, 12), False, (2028, 2, 1), (2028, 3, 1)),
    ],
)
def test_a_month_is_one_of_the_calendar(
    now: tuple[int, ...], before: bool, since: tuple[int, ...], until: tuple[int, ...]
) -> None:
    found = month_of(datetime(*now, tzinfo=UTC), before=before)  # type: ignore[arg-type,misc]  # no time zone
    assert found == (datetime(*since, tzinfo=UTC), datetime(*until, tzinfo=UTC))  # type: ignore[arg-type,misc]  # the same


def test_the_rows_of_last_month_are_exported_without_those_before_and_after(
    finance: Client, sell: Callable[..., OrderCreated]
) -> None:
    since, until = month_of(timezone.now(), before=True)
    moments = (since - timedelta(seconds=1), since, until - timedelta(seconds=1), until)
    ids = [UUID(int=first_id_at(moment).int + 1) for moment in moments]
    for row_id in ids:
        sell()
        Transaction.objects.exclude(pk__in=ids).update(id=row_id)
    rows = exported(finance, "transaction", age="last-month")
    assert [row["id"] for row in rows] == [str(ids[2]), str(ids[1])]


@pytest.mark.parametrize("currency", CURRENCIES)
def test_the_ledger_adds_up_by_day_currency_and_kind(
    finance: Client, sell: Callable[..., OrderCreated], currency: str
) -> None:
    first, second = sell(currency, unit_price_cents=10_000), sell(currency, unit_price_cents=5_000)
    tasks.order_cancelled([order_cancelled(second)])
    refund(first, 1_000)
    fee = Transaction.objects.get(order_id=first.order_id).fee_cents
    assert fee
    response = finance.get("/admin/transactions/entry/totals/")
    totals = {(row["currency"], row["kind"]): row for row in response.context["totals"]}
    assert {kind: row["entries"] for (_, kind), row in totals.items()} == {"sale": 6, "void": 3, "refund": 3}
    assert all(row["difference"] == 0 and row["day"] == timezone.now().date() for row in totals.values())
    sums = [sum(row["sums"]["Payable to a seller"] for row in totals.values())]
    share = Refund.objects.get().fee_cents
    assert sums == [-10_000 + 1_000 - share]
    assert f"{currency}</td>" in response.content.decode()


def test_days_before_the_first_one_shown_are_not_in_it(
    finance: Client, sell: Callable[..., OrderCreated]
) -> None:
    sell()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE transactions_journal DISABLE TRIGGER USER")
        cursor.execute("UPDATE transactions_journal SET occurred_at = occurred_at - interval '15 days'")
    assert finance.get("/admin/transactions/entry/totals/").context["totals"] == []
    assert first_journal_since(timezone.now() - timedelta(days=1)) > Journal.objects.get().pk
    assert found(finance, "journal", age="week") == found(finance, "entry", age="week") == []
    assert len(found(finance, "entry", age="month")) == 3


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "-77.21"), ("JPY", "-7721"), ("KWD", "-7.721")])
def test_entries_are_exported_as_they_are_found(
    finance: Client, sell: Callable[..., OrderCreated], currency: str, amount: str
) -> None:
    sell()
    sell(currency, seller_id=CAROL, unit_price_cents=7_721)
    [row] = exported(finance, "entry", q=str(CAROL))
    assert (row["account"], row["amount_cents"], row["amount"]) == ("payable", "-7721", amount)
    assert (row["journal_kind"], row["journal_subject_id"]) == (
        "sale",
        str(Transaction.objects.latest("id").pk),
    )
    assert len(exported(finance, "entry")) == 6
    reason = f"filter: q={CAROL}"
    assert StaffAction.objects.filter(action="exported", target="entries", reason=reason).exists()


@pytest.mark.parametrize("reason", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_spreadsheet_runs_nothing_of_the_refunds(
    finance: Client, sell: Callable[..., OrderCreated], reason: str
) -> None:
    Refund.objects.bulk_create([refusal(sell(), reason)])
    [row] = exported(finance, "refund")
    assert (row["reason"], row["refusal"]) == (f"'{reason}", f"'{reason}")
    assert (row["amount_cents"], row["amount"]) == ("1000", "10.00")


def refusal(order: OrderCreated, text: str) -> Refund:
    """Texts that no message brings, since contracts refuse them, but a table may hold."""
    return Refund(
        id=order.order_id,
        order_id=order.order_id,
        listing_id=7,
        amount_cents=1_000,
        currency="EUR",
        status="refused",
        reason=text,
        refusal=text,
        trace=order.trace,
    )


@pytest.mark.parametrize("model", ["journal", "entry", "refund"])
def test_a_list_takes_the_same_queries_however_long_it_is(
    finance: Client, sell: Callable[..., OrderCreated], model: str
) -> None:
    counted = []
    for _ in range(2):
        for order in [sell() for _ in range(3)]:
            refund(order)
        with CaptureQueriesContext(connection) as queries:
            assert found(finance, model)
        counted.append(len(queries))
    assert counted[0] == counted[1]
