"""Staff act on a row on its own page: what fits its state is offered, done with a reason, and kept."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from listings.accounts.deletion import request_deletion
from listings.admin import ListingAdmin
from listings.catalogue.reports import report_listing
from listings.models import Listing, Order, Refund
from listings.orders.timeline import timeline
from listings.refunds.settle import complete_refunds
from listings.settling.complete import complete_orders
from microstore.staff.models import StaffAction
from tests.listings.hooks import endpoint_of
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold, order_refunded
from tests.support.pages import text
from tests.support.roles import client_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(bob: User, put_on_sale: Callable[..., Listing]) -> Order:
    """Three lamps for 60.00 and a fee of 1.00."""
    lamp = put_on_sale("Reading lamp", quantity=10, price_cents=2_000)
    made = order_one(lamp, buyer_id=bob.pk, quantity=3)
    complete_orders([item_sold(made.pk)])
    return Order.objects.get(pk=made.pk)


def offered(client: Client, path: str) -> set[str]:
    return set(re.findall('name="action" value="([a-z_]+)"', text(client.get(path))))


def act(client: Client, path: str, row: int | str, action: str, **fields: str) -> str:
    posted = {"action": action, "_selected_action": str(row), **fields}
    return text(client.post(path, posted, follow=True))


def focused_in(page: str) -> list[str]:
    return re.findall(r'id="([\w-]+)"[^>]* autofocus>', page)


def test_a_listing_is_withdrawn_and_restored_on_its_page_which_keeps_the_reasons(armchair: Listing) -> None:
    client, page = client_as("support"), f"/admin/listings/listing/{armchair.pk}/change/"
    assert offered(client, page) == {"withdraw"}
    asked = act(client, page, armchair.pk, "withdraw")
    assert "Withdraw from sale: 1 listing" in asked
    assert focused_in(asked) == ["staff-reason"]
    assert "1 withdrawn." in act(client, page, armchair.pk, "withdraw", reason="it bites")
    assert offered(client, page) == {"restore"}
    act(client, page, armchair.pk, "restore", reason="it is tame")
    armchair.refresh_from_db()
    assert armchair.status == "on_sale"
    history = text(client.get(page.replace("change", "history")))
    for reason in ("it bites", "it is tame"):
        assert reason in history


def test_a_form_acts_on_the_row_of_its_page_alone(
    armchair: Listing, put_on_sale: Callable[..., Listing]
) -> None:
    other = put_on_sale("Reading lamp")
    page = f"/admin/listings/listing/{armchair.pk}/change/"
    act(client_as("support"), page, other.pk, "withdraw", reason="it bites")
    assert not Listing.objects.filter(status="withdrawn").exists()


def test_who_may_not_act_is_offered_nothing_and_does_nothing(armchair: Listing) -> None:
    client, page = client_as("operations"), f"/admin/listings/listing/{armchair.pk}/change/"
    assert offered(client, page) == set()
    act(client, page, armchair.pk, "withdraw", reason="it bites")
    armchair.refresh_from_db()
    assert armchair.status == "on_sale"


def test_a_report_is_decided_on_its_page(armchair: Listing, bob: User) -> None:
    report = report_listing(armchair.pk, reporter_id=bob.pk, reason="fraud")
    client, page = client_as("support"), f"/admin/listings/report/{report.pk}/change/"
    assert offered(client, page) == {"withdraw", "dismiss"}
    act(client, page, report.pk, "dismiss", reason="it is dear, not false")
    assert offered(client, page) == set()


def test_an_endpoint_is_switched_off_and_on_on_its_page(bob: User) -> None:
    endpoint = endpoint_of(bob, "https://hooks.example/")
    client, page = client_as("operations"), f"/admin/listings/webhookendpoint/{endpoint.pk}/change/"
    assert offered(client, page) == {"ping", "switch_off"}
    act(client, page, str(endpoint.pk), "switch_off")
    assert offered(client, page) == {"switch_on"}
    assert "switched off" in text(client_as("admin").get(page.replace("change", "history")))


def linked(client: Client, path: str) -> set[str]:
    return set(re.findall(r'href="/admin/listings/([a-z]+/\?q=[^"]+)"', text(client.get(path))))


def test_a_page_leads_to_the_lists_about_it_that_its_reader_may_see(order: Order, bob: User) -> None:
    endpoint = endpoint_of(bob, "https://hooks.example/")
    page = f"/admin/listings/order/{order.pk}/change/"
    assert linked(client_as("support"), page) == {f"refund/?q={order.pk}", f"notification/?q={order.pk}"}
    assert linked(client_as("finance"), page) == {f"refund/?q={order.pk}"}
    operations = client_as("operations")
    lamp = f"/admin/listings/listing/{order.listing_id}/change/"
    assert f"order/?q={order.listing_id}" in linked(operations, lamp)
    hook = f"/admin/listings/webhookendpoint/{endpoint.pk}/change/"
    assert linked(operations, hook) == {f"webhookdelivery/?q={endpoint.pk}"}


def test_finance_refunds_a_part_of_an_order_from_its_page(order: Order) -> None:
    client, page = client_as("finance"), f"/admin/listings/order/{order.pk}/change/"
    assert offered(client, page) == {"refund"}
    asked = act(client, page, str(order.pk), "refund")
    assert "Refund in whole or in part: 1 order" in asked
    assert focused_in(asked) == ["staff-amount"]
    assert focused_in(act(client, page, str(order.pk), "refund", reason=" ")) == ["staff-reason"]
    key = re.search('name="key" value="([0-9a-f-]{36})"', asked)
    assert key
    for _ in range(2):  # two clicks are one refund
        act(client, page, str(order.pk), "refund", reason="It never came", amount="20.50", key=key[1])
    assert Refund.objects.get().amount_cents == 2_050
    assert "It never came" in text(client.get(page.replace("change", "history")))


def test_the_timeline_of_a_refunded_order_is_in_the_order_of_time(order: Order) -> None:
    page = f"/admin/listings/order/{order.pk}/change/"
    act(client_as("finance"), page, str(order.pk), "refund", reason="It never came", amount="20.50")
    complete_refunds([order_refunded(Refund.objects.get())])
    order.refresh_from_db()
    assert order.status == "partly_refunded"
    steps = timeline(order)
    assert sum(step.text.startswith("completed after ") for step in steps) == 1
    assert not any("partly_refunded" in step.text for step in steps)
    times = [step.at for step in steps if step.at]
    assert times == sorted(times)


def test_support_suspends_a_seller_with_a_reason_and_reinstates_them(
    armchair: Listing, alice: User, client: Client
) -> None:
    support, page = client_as("support"), f"/admin/auth/user/{alice.pk}/change/"
    assert offered(support, f"/admin/auth/user/{alice.pk}/customer/") == offered(support, page) == {"suspend"}
    assert "Suspend the account: 1 user" in act(support, page, alice.pk, "suspend")
    act(support, page, alice.pk, "suspend", reason="sells what she has not got")
    text(client.get(f"/listings/{armchair.pk}/"), 404)
    assert "suspended" in text(support.get(f"/admin/auth/user/{alice.pk}/customer/"))
    assert offered(support, page) == {"reinstate"}
    act(support, page, alice.pk, "reinstate", reason="she had it")
    text(client.get(f"/listings/{armchair.pk}/"))
    actions = StaffAction.objects.filter(target=f"user {alice.pk}").order_by("id")
    assert list(actions.values_list("action", "reason")) == [
        ("suspended", "sells what she has not got"),
        ("reinstated", "she had it"),
    ]


def test_support_suspends_no_staff_and_brings_nobody_back_from_deletion(
    alice: User, make_user: Callable[..., User]
) -> None:
    dora, support = make_user("dora", is_staff=True), client_as("support")
    page = f"/admin/auth/user/{dora.pk}/change/"
    assert offered(support, page) == set()
    assert "closed by an administrator" in act(support, page, dora.pk, "suspend", reason="why not")
    request_deletion(alice.pk)
    act(support, f"/admin/auth/user/{alice.pk}/change/", alice.pk, "reinstate", reason="she asked")
    for user, active in ((dora, True), (alice, False)):
        user.refresh_from_db()
        assert user.is_active == active


def test_all_that_a_list_finds_is_acted_on_where_it_is_no_more_than_a_form_holds(
    put_on_sale: Callable[..., Listing], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, page = client_as("support"), "/admin/listings/listing/"
    put_on_sale(), put_on_sale()
    monkeypatch.setattr(ListingAdmin, "most_selected", 2)
    listing = put_on_sale()
    refused = act(client, page, listing.pk, "withdraw", reason="it bites", select_across="1")
    assert "Select 2 at most" in refused
    assert not Listing.objects.exclude(status="on_sale").exists()
    listing.delete()
    assert "2 withdrawn." in act(client, page, 0, "withdraw", reason="it bites", select_across="1")
