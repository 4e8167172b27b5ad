"""Every role at every page and every action of the listings admin."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from listings.models import Listing, LiveEvent, Notification, Order, Refund, Report
from listings.webhooks.endpoints import ping
from microstore.messaging.models import DeadLetter
from microstore.staff.lists import TRACE_AGE, first_id_at
from microstore.telemetry.tracing import new_trace
from tests.listings.hooks import endpoint_of
from tests.listings.purchases import order_one
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

pytestmark = pytest.mark.django_db

SEE = {
    "listings_listing": ("support", "operations"),
    "listings_order": ALL,
    "listings_notification": ("support", "operations"),
    "listings_liveevent": OPERATIONS,
    "listings_refund": ALL,
    "listings_report": ("support", "operations"),
    "listings_webhookendpoint": ("support", "operations"),
    "listings_webhookdelivery": ("support", "operations"),
    "auth_user": ("support", "operations"),
    "auth_group": (),
    "messaging_outboxmessage": OPERATIONS,
    "messaging_queuedepth": OPERATIONS,
    "messaging_deadletter": OPERATIONS,
    "staff_staffaction": OPERATIONS,
}
# Page: the roles that may open it. A page that is added needs a line.
PAGES: dict[str, tuple[str, ...]] = {
    **pages_of_models(SEE),
    "auth_user_customer": ALL,
}
ACTIONS: dict[str, dict[str, set[str]]] = {
    "support": {
        "listings_listing": {"withdraw", "restore"},
        "listings_report": {"withdraw", "dismiss"},
        "auth_user": {"suspend", "reinstate"},
    },
    "finance": {"listings_order": {"refund"}},
    "operations": {
        "messaging_deadletter": {"decide"},
        "listings_webhookendpoint": {"ping", "switch_off", "switch_on"},
        "listings_webhookdelivery": {"redeliver"},
    },
    "admin": {
        "listings_webhookendpoint": {"ping", "switch_off", "switch_on"},
        "listings_webhookdelivery": {"redeliver"},
        "listings_listing": {"withdraw", "restore"},
        "listings_order": {"refund"},
        "listings_report": {"withdraw", "dismiss"},
        "messaging_deadletter": {"decide"},
        "auth_user": {"suspend", "reinstate", "delete_selected", "reset_second_factor", "delete_account"},
        "auth_group": {"delete_selected"},
    },
}


@pytest.fixture
def rows(bob: User, armchair: Listing) -> dict[str, Any]:
    """One row for each page that is about one, of what has words without an end."""
    Listing.objects.update(title=50 * "Arm", description=200 * "chair")
    order = order_one(armchair, buyer_id=bob.pk)
    delivery = ping(endpoint_of(bob, "https://hooks.example/"))
    return {
        "listings_listing": armchair,
        "listings_order": order,
        "listings_liveevent": LiveEvent.objects.create(
            type="item_sold", order_id=order.pk, listing_id=1, payload={}
        ),
        "listings_notification": Notification.objects.create(
            recipient=bob, event_id=order.pk, kind="order_completed", role="buyer", order=order, text="Yours."
        ),
        "listings_refund": Refund.objects.create(order=order, requested_by=bob, amount_cents=1, reason="?"),
        "listings_report": Report.objects.create(
            listing=armchair, reporter=bob, reason="other", text=200 * "fake"
        ),
        "listings_webhookendpoint": delivery.endpoint,
        "listings_webhookdelivery": delivery,
        "auth_user": bob,
        **rows_of_both(order.trace),
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


@pytest.mark.parametrize("role", [*ROLES, "admin"])
def test_a_role_is_offered_its_actions_and_no_other(role: str, rows: dict[str, Any]) -> None:
    assert actions_offered(client_as(role), SEE) == ACTIONS[role]


@pytest.mark.parametrize("role", ["finance", "operations"])
def test_an_action_that_is_not_offered_does_nothing(role: str, rows: dict[str, Any]) -> None:
    choice = {"action": "withdraw", "_selected_action": rows["listings_listing"].pk, "reason": "because"}
    client_as(role).post("/admin/listings/listing/", choice)
    rows["listings_listing"].refresh_from_db()
    assert rows["listings_listing"].status == "on_sale"


@pytest.mark.parametrize("role", ["support", "finance"])
def test_only_operations_decide_about_letters(role: str, rows: dict[str, Any]) -> None:
    decision = {"letters": rows["messaging_deadletter"].pk, "decision": "discard", "reason": "because"}
    assert client_as(role).post("/admin/messaging/deadletter/decide/", decision).status_code == 403
    assert DeadLetter.objects.filter(state="waiting").count() == 1


def test_all_staff_see_the_front_page_and_only_their_part_of_a_trace(rows: dict[str, Any]) -> None:
    trace_id = rows["listings_order"].trace_id
    for role in ROLES:
        assert client_as(role).get("/admin/").status_code == 200
    seen = {role: kinds_found(role, trace_id) for role in ROLES if not User.objects.filter(username=role)}
    assert seen["operations"] == {"order", "outbox message", "dead letter"}
    assert seen["finance"] == seen["support"] == {"order"}


def kinds_found(role: str, trace_id: str) -> set[str]:
    client = Client()
    client.force_login(User.objects.get(username=f"one-of-{role}"))
    return {row.kind for row in client.get("/admin/trace/", {"q": trace_id}).context["trace"].found}


def test_buyers_and_strangers_are_sent_to_the_log_in(bob: User, rows: dict[str, Any]) -> None:
    buyer = Client()
    buyer.force_login(bob)
    for client in (buyer, Client()):
        for name in PAGES:
            response = client.get(url_of_page(name, rows))
            assert (response.status_code, "/login/" in response["Location"]) == (302, True), name


def test_an_old_order_is_found_by_its_id_and_no_longer_by_its_trace(rows: dict[str, Any]) -> None:
    recent: Order = rows["listings_order"]
    order_id = first_id_at(timezone.now() - TRACE_AGE - timedelta(minutes=1))
    old = Order.objects.create(
        id=order_id,
        buyer=recent.buyer,
        listing=recent.listing,
        quantity=1,
        unit_price_cents=1,
        currency="EUR",
        trace=new_trace(),
    )
    client = client_as("admin")
    for term, found in ((str(old.pk), True), (old.trace, False)):
        trace = client.get("/admin/trace/", {"q": term}).context["trace"]
        orders = client.get("/admin/listings/order/", {"q": term}).context["cl"]
        assert (bool(trace.found), bool(orders.result_list)) == (found, found), term


def test_an_order_is_found_by_its_own_id_too(rows: dict[str, Any]) -> None:
    order: Order = rows["listings_order"]
    found = client_as("admin").get("/admin/trace/", {"q": str(order.pk)}).context["trace"].found
    assert {row.kind for row in found} == {"order", "outbox message", "dead letter"}
