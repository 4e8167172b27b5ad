"""What Carol, who has an account, and a stranger, who has none, are told at every endpoint about Alice's."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from listings.accounts.sessions import open_session
from listings.models import (
    Listing,
    ListingImage,
    Notification,
    Order,
    Profile,
    Session,
    WebhookDelivery,
    WebhookEndpoint,
)
from listings.webhooks.endpoints import ping
from microstore.telemetry.tracing import new_trace
from tests.listings.hooks import endpoint_of

pytestmark = pytest.mark.django_db

METHODS = {"get", "post", "put", "patch", "delete"}
TOLD = "You sold a reading lamp to somebody whom you know"
UNSEEN = "A draft that nobody has seen"
EMAILS = ("alice@secret.example", "bob@secret.example")


@dataclass(frozen=True)
class Row:
    """What is answered about Alice's draft, and about what she has on sale."""

    carol: tuple[int, int]
    stranger: tuple[int, int]
    body: dict[str, Any] = field(default_factory=dict)


LISTING = "Alice's listing"  # in a body: its id
FOR_ALL = (200, 200)
REFUSED = (400, 400)
LOG_IN = (401, 401)
NOT_HERS = (404, 403)

ENDPOINTS = {
    "POST /api/auth/register/": Row(REFUSED, REFUSED),
    "POST /api/auth/token/": Row(REFUSED, REFUSED),
    "POST /api/auth/token/refresh/": Row(REFUSED, REFUSED),
    "POST /api/auth/logout/": Row(REFUSED, REFUSED),
    "POST /api/auth/password/": Row(REFUSED, LOG_IN),
    "GET /api/auth/me/": Row(FOR_ALL, LOG_IN),
    "PATCH /api/auth/me/": Row(FOR_ALL, LOG_IN, {"email_notifications": False}),
    "GET /api/auth/me/export/": Row((202, 202), LOG_IN),
    "POST /api/auth/me/delete/": Row(REFUSED, LOG_IN),
    "GET /api/auth/me/bank-account/": Row((404, 404), LOG_IN),
    "PUT /api/auth/me/bank-account/": Row(REFUSED, LOG_IN),
    "POST /api/auth/email/send-link/": Row((202, 202), LOG_IN),
    "POST /api/auth/email/verify/": Row(REFUSED, REFUSED),
    "POST /api/auth/password/forgotten/": Row(REFUSED, REFUSED),
    "POST /api/auth/password/reset/": Row(REFUSED, REFUSED),
    "GET /api/auth/sessions/": Row(FOR_ALL, LOG_IN),
    "DELETE /api/auth/sessions/{session_id}/": Row((404, 404), LOG_IN),
    "POST /api/auth/sessions/end-others/": Row(FOR_ALL, LOG_IN),
    "GET /api/auth/history/": Row(FOR_ALL, LOG_IN),
    "GET /api/categories/": Row(FOR_ALL, FOR_ALL),
    "GET /api/listings/": Row(FOR_ALL, FOR_ALL),
    "POST /api/listings/": Row(
        REFUSED, LOG_IN, {"title": "Lamp", "price_cents": 5_900, "currency": "EUR", "seller": 1}
    ),
    "GET /api/listings/{id}/": Row((404, 200), (404, 200)),
    "PATCH /api/listings/{id}/": Row(NOT_HERS, LOG_IN, {"title": "Mine"}),
    "DELETE /api/listings/{id}/": Row(NOT_HERS, LOG_IN),
    "POST /api/listings/{id}/publish/": Row(NOT_HERS, LOG_IN),
    "POST /api/listings/{id}/withdraw/": Row(NOT_HERS, LOG_IN),
    "POST /api/listings/{id}/buy/": Row((404, 409), LOG_IN, {"quantity": 1_000}),
    "POST /api/listings/{id}/report/": Row((404, 202), LOG_IN, {"reason": "other"}),
    "GET /api/listings/{id}/quote/": Row((404, 200), (404, 200)),
    "POST /api/listings/{listing_id}/images/": Row(NOT_HERS, LOG_IN),
    "PUT /api/listings/{listing_id}/images/order/": Row(NOT_HERS, LOG_IN),
    "DELETE /api/listings/{listing_id}/images/{image_id}/": Row(NOT_HERS, LOG_IN),
    "POST /api/checkouts/": Row((409, 409), LOG_IN, {"items": [{"listing": LISTING, "quantity": 1_000}]}),
    "POST /api/checkouts/quote/": Row((409, 200), (409, 200), {"items": [{"listing": LISTING}]}),
    "GET /api/checkouts/{id}/": Row((404, 404), LOG_IN),
    "GET /api/notifications/": Row(FOR_ALL, LOG_IN),
    "POST /api/notifications/{id}/read/": Row((404, 404), LOG_IN),
    "POST /api/notifications/read-all/": Row(FOR_ALL, LOG_IN),
    "GET /api/orders/": Row(FOR_ALL, LOG_IN),
    "GET /api/orders/{id}/": Row((404, 404), LOG_IN),
    "GET /api/orders/{id}/timeline/": Row((404, 404), LOG_IN),
    "POST /api/orders/{id}/cancel/": Row((404, 404), LOG_IN),
    "GET /api/orders/{id}/refunds/": Row((404, 404), LOG_IN),
    "POST /api/orders/{id}/refunds/": Row((404, 404), LOG_IN, {"reason": "A leg is loose"}),
    "GET /api/webhooks/": Row(FOR_ALL, LOG_IN),
    "POST /api/webhooks/": Row(
        (403, 403),
        LOG_IN,
        {"url": "https://h.example/", "events": ["order.created"], "scope": "all_orders"},
    ),
    "GET /api/webhooks/{id}/": Row((404, 404), LOG_IN),
    "PATCH /api/webhooks/{id}/": Row((404, 404), LOG_IN, {"url": "https://carol.example/"}),
    "DELETE /api/webhooks/{id}/": Row((404, 404), LOG_IN),
    "POST /api/webhooks/{id}/ping/": Row((404, 404), LOG_IN),
    "POST /api/webhooks/{id}/rotate-secret/": Row((404, 404), LOG_IN),
    "GET /api/webhooks/{endpoint_id}/deliveries/": Row((404, 404), LOG_IN),
    "GET /api/webhooks/{endpoint_id}/deliveries/{delivery_id}/": Row((404, 404), LOG_IN),
    "POST /api/webhooks/{endpoint_id}/deliveries/{delivery_id}/redeliver/": Row((404, 404), LOG_IN),
}
OF_NOBODY = {"GET /api/schema/"}
# A buyer refunds nothing, and of Bob's pending order nobody does: test_refunds.py. What is one's own is
# neither bought nor reported.
NOT_OF_OWNERS = {
    *("POST /api/listings/{id}/buy/", "POST /api/listings/{id}/report/", "POST /api/orders/{id}/refunds/"),
}
OWNED = [endpoint for endpoint in ENDPOINTS if "{" in endpoint and endpoint not in NOT_OF_OWNERS]


@dataclass(frozen=True)
class Belongings:
    """What Alice and Bob have."""

    alice: User
    bob: User
    listing: Listing
    image: ListingImage
    order: Order
    notification: Notification
    session_id: UUID
    delivery: WebhookDelivery

    def rows(self) -> list[list[dict[str, Any]]]:
        """All of it, as the database has it."""
        both = [self.alice.pk, self.bob.pk]
        theirs: tuple[QuerySet[Any], ...] = (
            User.objects.filter(pk__in=both),
            Profile.objects.filter(user__in=both),
            Session.objects.filter(user__in=both),
            Listing.objects.filter(seller__in=both),
            ListingImage.objects.filter(listing__seller__in=both),
            Order.objects.filter(Q(buyer__in=both) | Q(listing__seller__in=both)),
            Notification.objects.filter(recipient__in=both),
            WebhookEndpoint.objects.filter(owner__in=both),
            WebhookDelivery.objects.filter(endpoint__owner__in=both),
        )
        return [list(rows.order_by("pk").values()) for rows in theirs]

    def ask(self, client: APIClient, endpoint: str, body: dict[str, Any]) -> Any:
        """Send a request about it."""
        method, path = endpoint.split()
        numbers = {
            "orders": self.order.pk,
            "notifications": self.notification.pk,
            "checkouts": self.order.checkout_id,
            "webhooks": self.delivery.endpoint_id,
        }
        which = numbers.get(path.split("/")[2], self.listing.pk)
        url = path.format(
            id=which,
            listing_id=self.listing.pk,
            image_id=self.image.pk,
            session_id=self.session_id,
            endpoint_id=self.delivery.endpoint_id,
            delivery_id=self.delivery.pk,
        )
        named = {name: self.alice.pk if name == "seller" else value for name, value in body.items()}
        text = json.dumps(named).replace(json.dumps(LISTING), str(self.listing.pk))
        return client.generic(method, url, text, content_type="application/json", headers={"If-Match": "*"})


@pytest.fixture(params=[0, 1], ids=["draft", "on-sale"])
def shown(request: pytest.FixtureRequest) -> int:
    """Whether Alice's listing is on sale."""
    return int(request.param)


@pytest.fixture
def belongings(shown: int, alice: User, bob: User, put_on_sale: Callable[..., Listing]) -> Belongings:
    for user, email in zip((alice, bob), EMAILS, strict=True):
        user.email = email
        user.save()
        Profile.objects.create(user=user)
        open_session(user)
    status = Listing.Status.ON_SALE if shown else Listing.Status.DRAFT
    listing = put_on_sale("Crunchy armchair" if shown else UNSEEN, status=status)
    image = ListingImage.objects.create(listing=listing, large="a.jpg", small="b.jpg", width=1, height=1)
    sold = put_on_sale("Reading lamp")
    order = Order.objects.create(
        buyer=bob,
        listing=sold,
        quantity=1,
        unit_price_cents=100,
        currency="EUR",
        trace=new_trace(),
        checkout_id=uuid7(),
    )
    notification = Notification.objects.create(
        recipient=alice, event_id=uuid7(), kind="order_completed", role="seller", order=order, text=TOLD
    )
    session_id = Session.objects.get(user=alice).pk
    delivery = ping(endpoint_of(alice, "https://hooks.alice.example/"))
    return Belongings(alice, bob, listing, image, order, notification, session_id, delivery)


def test_every_endpoint_has_a_row() -> None:
    schema = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]  # drf-spectacular's
    paths = schema["paths"]
    there_are = {
        f"{method.upper()} {path}" for path, methods in paths.items() for method in METHODS & methods.keys()
    }
    assert there_are - OF_NOBODY == ENDPOINTS.keys()


@pytest.mark.parametrize("who", ["carol", "stranger"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_nobody_reads_or_changes_what_is_not_theirs(
    belongings: Belongings,
    shown: int,
    endpoint: str,
    who: str,
    anybody: APIClient,
    make_user: Callable[..., User],
    client_of: Callable[[User], APIClient],
) -> None:
    row = ENDPOINTS[endpoint]
    before = belongings.rows()
    client, expected = (
        (client_of(make_user("carol")), row.carol) if who == "carol" else (anybody, row.stranger)
    )
    response = belongings.ask(client, endpoint, row.body)
    assert response.status_code == expected[shown], response.content
    assert belongings.rows() == before
    for secret in (UNSEEN, TOLD, str(belongings.order.pk), *EMAILS):
        assert secret not in response.content.decode()


@pytest.mark.parametrize("endpoint", OWNED)
def test_their_owners_are_let_in(
    belongings: Belongings, endpoint: str, client_of: Callable[[User], APIClient]
) -> None:
    """Or the test above would be content with endpoints that let nobody in."""
    is_his = "/orders/" in endpoint or "/checkouts/" in endpoint
    owner = belongings.bob if is_his else belongings.alice
    response = belongings.ask(client_of(owner), endpoint, ENDPOINTS[endpoint].body)
    assert response.status_code not in (401, 403, 404, 409), response.content
