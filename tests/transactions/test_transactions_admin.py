"""The transactions admin: who may what, totals, and what is exported."""

import csv
import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from microstore.staff.models import StaffAction
from microstore.telemetry.tracing import new_trace
from tests.support.admin_in_a_browser import find_faults
from tests.support.roles import (
    ALL,
    OPERATIONS,
    ROLES,
    actions_offered,
    client_as,
    may_open,
    named_pages,
    pages_of_models,
    rows_of_both,
    url_of_page,
)
from tests.transactions.payees import give_account
from transactions.models import Entry, Journal, Payout, Refund, SellerTier, StatementLine, Transaction

pytestmark = pytest.mark.django_db

FINANCE = ("finance",)
SEE = {
    "transactions_transaction": ALL,
    "transactions_payout": ("support", "finance"),
    "transactions_bankaccount": ("finance",),
    "transactions_statementline": ("finance",),
    "transactions_refund": ("support", "finance"),
    "transactions_journal": FINANCE,
    "transactions_entry": FINANCE,
    "transactions_sellertier": FINANCE,
    "auth_user": (),
    "auth_group": (),
    "messaging_outboxmessage": OPERATIONS,
    "messaging_queuedepth": OPERATIONS,
    "messaging_deadletter": OPERATIONS,
    "staff_staffaction": OPERATIONS,
}
# Page: the roles that may open it. A page that is added needs a line.
PAGES: dict[str, tuple[str, ...]] = {
    **pages_of_models(SEE),
    "transactions_transaction_export": FINANCE,
    "transactions_transaction_totals": ALL,
    "transactions_refund_export": FINANCE,
    "transactions_entry_export": FINANCE,
    "transactions_entry_totals": FINANCE,
    "transactions_sellertier_add": FINANCE,
    "transactions_sellertier_delete": FINANCE,
}


@pytest.fixture
def record_sale() -> Callable[..., Transaction]:
    """A sale of a crunchy armchair."""

    def make(**fields: Any) -> Transaction:
        given = {
            "order_id": uuid4(),
            "listing_id": 1,
            "buyer_id": 2,
            "seller_id": 1,
            "quantity": 1,
            "price_cents": 1000,
            "fee_cents": 50,
            "total_cents": 1050,
            "currency": "EUR",
            "fee_rule": "standard",
            "trace": new_trace(),
        }
        return Transaction.objects.create(**(given | fields))

    return make


def refused(reason: str) -> dict[str, Any]:
    """The fields of a refusal."""
    return {"status": "refused", "fee_cents": None, "total_cents": None, "reason": reason}


@pytest.fixture
def rows(record_sale: Callable[..., Transaction]) -> dict[str, Any]:
    """One row for each page that is about one, of what has words without an end."""
    sale = record_sale(title=50 * "Arm", description=200 * "chair")
    account = give_account()
    payout = Payout.objects.create(
        seller_id=4, bank_account=account, currency="EUR", amount_cents=1, available_at=timezone.now()
    )
    line = StatementLine.objects.create(
        reference="x", amount_cents=1, currency="EUR", booked_on="2026-11-29", occurrence=1, statement="a.csv"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT post_sales(%s::uuid[], 7)", [[sale.pk]])
    return {
        "transactions_transaction": sale,
        "transactions_payout": payout,
        "transactions_bankaccount": account,
        "transactions_statementline": line,
        "transactions_refund": Refund.objects.create(
            id=uuid4(),
            order_id=sale.order_id,
            transaction=sale,
            listing_id=1,
            amount_cents=1,
            currency="EUR",
            status="refunded",
            trace=sale.trace,
        ),
        "transactions_journal": Journal.objects.get(),
        "transactions_entry": Entry.objects.earliest("id"),
        "transactions_sellertier": SellerTier.objects.create(seller_id=1, tier="gold"),
        "auth_user": User.objects.create_user("dave"),
        **rows_of_both(sale.trace),
    }


def test_every_page_has_a_row_in_the_table() -> None:
    assert named_pages() == set(PAGES)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)  # the first one may have to install the browser
def test_every_page_of_the_admin_is_fit_for_everybody(
    rows: dict[str, Any], live_server: LiveServer, settings: Settings
) -> None:
    assert find_faults(live_server.url, rows, settings) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_pages_and_no_other(role: str, rows: dict[str, Any]) -> None:
    client = client_as(role)
    opened = {name for name in PAGES if may_open(client, url_of_page(name, rows))}
    assert opened == {name for name, roles in PAGES.items() if role in roles}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_offered_its_actions_and_no_other(role: str, rows: dict[str, Any]) -> None:
    expected = {
        "operations": {"messaging_deadletter": {"decide"}},
        "finance": {"transactions_payout": {"look_up", "mark_as_paid", "mark_as_failed", "mark_as_returned"}},
    }
    assert actions_offered(client_as(role), SEE) == expected.get(role, {})


def test_one_trace_id_finds_the_transaction_its_messages_and_its_letters(rows: dict[str, Any]) -> None:
    client = client_as("admin")
    sale = rows["transactions_transaction"]
    for part in (sale.trace_id[:8], str(sale.order_id)[:8], str(sale.pk)[:8]):
        rows_shown = client.get("/admin/trace/", {"q": part}, follow=True).context["cl"].result_list
        assert sale in rows_shown, part
    for term in (sale.trace_id, sale.trace, str(sale.order_id), sale.order_id.hex, str(sale.pk)):
        found = client.get("/admin/trace/", {"q": term}).context["trace"].found
        assert {row.kind for row in found} == {"transaction", "outbox message", "dead letter"}, term
    assert "0 transactions" in client.get("/admin/trace/", {"q": "armchair"}, follow=True).content.decode()


def test_what_is_filtered_is_exported_and_recorded(record_sale: Callable[..., Transaction]) -> None:
    record_sale(currency="EUR")
    record_sale(currency="JPY", price_cents=7, fee_cents=0, total_cents=7)
    response = client_as("finance").get("/admin/transactions/transaction/export/", {"currency": "JPY"})
    [row] = csv.DictReader(io.StringIO(response.getvalue().decode()))
    assert (row["currency"], row["total_cents"], row["total"]) == ("JPY", "7", "7")
    action = StaffAction.objects.get(action="exported")
    assert (action.by, action.reason) == ("one-of-finance", "filter: currency=JPY")


@pytest.mark.parametrize("reason", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_spreadsheet_runs_nothing_of_an_export(
    record_sale: Callable[..., Transaction], reason: str
) -> None:
    record_sale(**refused(reason))
    response = client_as("finance").get("/admin/transactions/transaction/export/")
    text = response.getvalue().decode()
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert row["reason"] == f"'{reason}"


@pytest.mark.parametrize(
    ("reason", "written"),
    [("lamp;=1+1", "lamp;'=1+1"), ("lamp\n -1", "lamp\n '-1"), ("a lamp; red - or blue", None)],
)
def test_no_cell_of_an_export_ends_within_a_text(
    record_sale: Callable[..., Transaction], reason: str, written: str | None
) -> None:
    """As spreadsheets split lines where the comma is a decimal one."""
    record_sale(**refused(reason))
    text = client_as("finance").get("/admin/transactions/transaction/export/").getvalue().decode()
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert row["reason"] == (written or reason)
    assert f'"{written or reason}"' in text


def test_an_export_has_what_was_sold(record_sale: Callable[..., Transaction]) -> None:
    record_sale(title="=Armchair()", description="It\ncreaks.", category="furniture", picture="/media/1.webp")
    client = client_as("finance")
    text = client.get("/admin/transactions/transaction/export/").getvalue().decode()
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["title"], row["description"], row["category"]) == ("'=Armchair()", "It\ncreaks.", "furniture")
    page = client.get(f"/admin/transactions/transaction/{Transaction.objects.get().pk}/change/")
    assert all(words in page.content.decode() for words in ("=Armchair()", "creaks.", "/media/1.webp"))


@pytest.mark.parametrize(
    ("currency", "shown"), [("EUR", "77.21 EUR"), ("JPY", "7,721 JPY"), ("KWD", "7.721 KWD")]
)
def test_money_is_an_amount_in_its_currency(
    record_sale: Callable[..., Transaction], currency: str, shown: str
) -> None:
    sale = record_sale(currency=currency, price_cents=7_600, fee_cents=121, total_cents=7_721)
    client = client_as("finance")
    pages = [
        client.get(f"/admin/transactions/transaction/{path}")
        for path in ("", f"{sale.pk}/change/", "totals/")
    ]
    assert [page.content.decode().count(shown) > 0 for page in pages] == [True] * 3
    export = client.get("/admin/transactions/transaction/export/").getvalue().decode()
    [row] = csv.DictReader(io.StringIO(export))
    assert f"{row['total']} {currency}" == shown.replace(",", "")


def test_a_transaction_links_to_its_order_and_its_people_in_the_other_admin(
    record_sale: Callable[..., Transaction], settings: Settings
) -> None:
    settings.PEER_ADMIN_URLS = {"listings": "https://shop.example"}
    sale = record_sale()
    page = client_as("finance").get(f"/admin/transactions/transaction/{sale.pk}/change/").content.decode()
    for model, row_id in (("listings/order", sale.order_id), ("auth/user", sale.buyer_id)):
        assert f'href="https://shop.example/admin/{model}/{row_id}/change/"' in page


def test_the_front_page_links_to_where_else_staff_look(settings: Settings) -> None:
    settings.PEER_URLS = {"listings": "https://shop.example"}
    settings.STAFF_LINKS = {"Flower": "https://flower.example"}
    page = client_as("finance").get("/admin/").content.decode()
    assert '<a href="https://shop.example/admin/">Admin of listings</a>' in page
    assert '<a href="https://flower.example">Flower</a>' in page


def test_totals_are_by_day_and_currency(record_sale: Callable[..., Transaction]) -> None:
    for _ in range(2):
        record_sale()
    record_sale(currency="JPY", price_cents=7, fee_cents=0, total_cents=7)
    record_sale(**refused("no such currency"))
    totals = client_as("finance").get("/admin/transactions/transaction/totals/").context["totals"]
    assert [(row["currency"], row["sales"], row["price"], row["fee"], row["total"]) for row in totals] == [
        ("EUR", 2, 2000, 100, 2100),
        ("JPY", 1, 7, 0, 7),
    ]
