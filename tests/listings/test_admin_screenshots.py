"""The admin in a real browser, on a desk and on a phone: it fits, and its own policy forbids it nothing.

The pictures are kept in .run/screenshots, to be looked at.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Response
from pytest_django.live_server_helper import LiveServer
from uuid_utils.compat import uuid7

from listings.models import Listing, LiveEvent, Notification, Order
from microstore.messaging.dead_letters import store
from microstore.messaging.dead_letters.groups import find_groups
from microstore.messaging.models import OutboxMessage, QueueDepth
from microstore.staff.lists import first_id_at
from microstore.telemetry.tracing import new_trace
from tests.listings.purchases import order_one
from tests.support.pictures_of_pages import SIZES, chromium, take_pictures

# The first one may have to install the browser.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


@pytest.fixture
def pages(bob: User, put_on_sale: Callable[..., Listing]) -> dict[str, str]:
    """A day in the shop: what is looked at, by the name of its picture."""
    listing = put_on_sale(quantity=100)
    order = order_one(listing, buyer_id=bob.pk)
    for hours in range(24):
        made_at = timezone.now() - timedelta(hours=hours)
        for number in range((hours * 7) % 23):
            made = UUID(int=first_id_at(made_at).int + number)
            status = "rejected" if number % 9 == 8 else "completed"
            Order.objects.create(
                id=made,
                buyer=bob,
                listing=listing,
                quantity=1,
                unit_price_cents=24_900,
                status=status,
                currency="EUR",
                trace=new_trace(),
                fee_cents=5,
                total_cents=24_905,
                transaction_id=uuid7(),
            )
            Order.objects.filter(pk=made).update(created_at=made_at, settled_at=made_at)
    done = Order.objects.filter(status="completed").latest("pk")
    LiveEvent.objects.create(type="item_sold", order_id=done.pk, listing_id=listing.pk, payload={})
    for number, recipient in enumerate((bob, listing.seller)):
        Notification.objects.create(
            recipient=recipient,
            event_id=done.pk,
            kind="order_completed",
            role=("buyer", "seller")[number],
            order=done,
            text="You bought 1 × Crunchy armchair for 249.05 EUR.",
        )
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(minutes=3), attempts=4)
    for number in range(12):
        errors = (f"till {number} is 'shut'", f"no receipt for {uuid7()}", "[Errno 111] Connection refused")
        letter = store.dead_letter(
            contract="item_sold" if number % 2 else "order_rejected",
            payload={"order_id": str(uuid7()), "trace": done.trace if number == 3 else new_trace()},
            error=RuntimeError(errors[number % 3]),
            attempts=3,
        )
    for queue, messages in (("listings", 3), ("listings.dead", 0), ("transactions", 1240)):
        QueueDepth.objects.create(queue=queue, messages=messages, consumers=2, measured_at=timezone.now())
    return {
        "front": "/admin/",
        "order": f"/admin/listings/order/{done.pk}/change/",
        "pending-order": f"/admin/listings/order/{order.pk}/change/",
        "dead-letters-grouped": "/admin/messaging/deadletter/groups/",
        "trace": f"/admin/trace/?q={done.trace_id}",
        "orders": "/admin/listings/order/",
        "customer": f"/admin/auth/user/{bob.pk}/customer/",
        "notifications": "/admin/listings/notification/",
        "dead-letter": f"/admin/messaging/deadletter/{letter.pk}/change/",
        "dead-letters-preview": f"/admin/messaging/deadletter/decide/?group={find_groups()[0].id}",
    }


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize("size", SIZES)
def test_the_admin_fits_and_is_allowed_all_it_does(
    pages: dict[str, str],
    live_server: LiveServer,
    admin_client: Client,
    browser: Browser,
    size: str,
    settings: Any,
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height})
    cookie = admin_client.cookies[settings.SESSION_COOKIE_NAME].value
    settings.SESSION_COOKIE_NAME = "listings_session"  # the pages are served without TLS here
    context.add_cookies([{"name": "listings_session", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", lambda answer: complaints.extend(unprotected(answer)))
    take_pictures(page, {name: live_server.url + path for name, path in pages.items()}, size)
    assert complaints == []
    context.close()


def unprotected(answer: Response) -> list[str]:
    """The address of a page without our policy."""
    policy = answer.headers.get("content-security-policy", "")
    return [] if "default-src 'self'" in policy or "/static/" in answer.url else [answer.url]
