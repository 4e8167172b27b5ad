"""Endpoints of webhooks by the API, and which events are stored for which of them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from listings.messages import (
    checkout_settled,
    order_cancelled,
    order_created,
    order_refund_refused,
    refund_completed,
)
from listings.models import Listing, Order, Refund
from listings.settling.cancel import cancel_order
from listings.settling.complete import complete_orders
from listings.webhooks import endpoints, tasks
from listings.webhooks.events import EVENT_TYPES
from listings.webhooks.models import WebhookDelivery, WebhookEndpoint
from listings.webhooks.store import is_none_enabled, store_deliveries
from microstore.contracts.contract import AnyContract
from microstore.contracts.listings import ORDER_REJECTED, OrderRefunded
from microstore.contracts.payouts import PAYOUT_PAID, PAYOUTS
from microstore.contracts.webhooks import SUBSCRIBED_FACTS
from microstore.messaging.project import celery_app
from microstore.telemetry.tracing import new_trace
from tests.listings.hooks import endpoint_of, ensure_as_described, store_created
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold, refund_refused
from tests.support.problem import read_problem
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db

URL = "https://hooks.example/microstore"
HOOK = {"url": URL, "events": ["order.completed", "order.created"]}


@pytest.fixture
def hers(alice: User, client_of: Callable[[User], APIClient]) -> APIClient:
    """The API as Alice sees it."""
    return client_of(alice)


@pytest.fixture
def order(bob: User, put_on_sale: Callable[..., Listing]) -> Order:
    return order_one(put_on_sale(quantity=10), buyer_id=bob.pk)


def may_watch(user: User) -> User:
    user.user_permissions.add(Permission.objects.get(codename="watch_all_orders"))
    return User.objects.get(pk=user.pk)


def test_a_secret_is_shown_when_it_is_made_and_never_again(hers: APIClient) -> None:
    made = hers.post("/api/webhooks/", HOOK, format="json")
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    path, secret = f"/api/webhooks/{made.json()['id']}/", made.json()["secret"]
    assert secret.startswith("whsec_")
    rotated = hers.post(f"{path}rotate-secret/").json()
    assert rotated["secret"] not in ("", secret)
    for answer in (hers.get(path), hers.get("/api/webhooks/"), hers.patch(path, {}, format="json")):
        assert answer.status_code == 200
        assert "whsec_" not in answer.content.decode()


def test_no_secret_that_the_receiver_may_have_is_lost_by_another_rotation(hers: APIClient) -> None:
    """The receiver has the first or the second one: a third would take away one of them."""
    made = hers.post("/api/webhooks/", HOOK, format="json").json()
    path = f"/api/webhooks/{made['id']}/rotate-secret/"
    second = hers.post(path).json()["secret"]
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.previous_secret_until
    answer = hers.post(path)
    problem = read_problem(answer, 409)
    assert problem["type"] == "urn:microstore:problem:secret-just-changed"
    assert 86_000 < int(answer.headers["Retry-After"]) <= 86_400
    assert endpoint.previous_secret_until.strftime("%H:%M UTC") in problem["detail"]
    endpoint.refresh_from_db()
    assert (endpoint.previous_secret, endpoint.secret) == (made["secret"], second)
    WebhookEndpoint.objects.update(previous_secret_until=Now())
    assert hers.post(path).status_code == 200


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": 5}, "url"),
        ({"url": f"https://hooks.example/{'x' * 500}"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["order.created", "order.invented"]}, "events"),
        ({"events": "order.created"}, "events"),
        ({"description": "two\nlines"}, "description"),
        ({"scope": "everything"}, "scope"),
        ({"secret": "whsec_mine"}, "secret"),
        ({"enabled": False}, "enabled"),
    ],
)
def test_what_is_wrong_is_named(hers: APIClient, fields: dict[str, Any], named: str) -> None:
    answer = hers.post("/api/webhooks/", HOOK | fields, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [named])
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_is_changed_switched_off_and_on_and_deleted(hers: APIClient, alice: User) -> None:
    endpoint = endpoint_of(alice, URL)
    WebhookEndpoint.objects.update(
        failures=9, off_reason="It answered 410 Gone.", enabled=False, mail_due=True
    )
    path = f"/api/webhooks/{endpoint.pk}/"
    changed = hers.patch(path, {"enabled": True, "events": ["order.refunded"]}, format="json").json()
    assert (changed["enabled"], changed["off_reason"], changed["events"]) == (True, "", ["order.refunded"])
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.mail_due) == (0, False)
    assert hers.patch(path, {"enabled": False}, format="json").json()["enabled"] is False
    refused = hers.post(f"{path}ping/")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:microstore:problem:webhook-off")
    assert (hers.delete(path).status_code, hers.get(path).status_code) == (204, 404)


def test_a_ping_and_a_redelivery_are_deliveries(hers: APIClient, alice: User) -> None:
    path = f"/api/webhooks/{endpoint_of(alice, URL).pk}/"
    ping = hers.post(f"{path}ping/")
    assert (ping.status_code, ping.json()["event_type"], ping.json()["status"]) == (202, "ping", "waiting")
    WebhookDelivery.objects.update(status="failed", attempts=9, due_at=None)
    listed = hers.get(f"{path}deliveries/", {"status": "failed"}).json()["results"]
    assert [each["webhook_id"] for each in listed] == [ping.json()["webhook_id"]]
    one = f"{path}deliveries/{ping.json()['id']}/"
    again = hers.post(f"{one}redeliver/")
    assert (again.status_code, again.json()["status"], again.json()["attempts"]) == (202, "waiting", 0)
    assert again.json()["webhook_id"] == ping.json()["webhook_id"]
    assert hers.get(one).json()["log"] == []
    assert hers.post(f"{path}deliveries/{2**60 - 1}/redeliver/").status_code == 404


def test_an_account_has_a_bounded_number_of_endpoints(
    hers: APIClient, alice: User, settings: Settings
) -> None:
    settings.MAX_WEBHOOKS = 1
    endpoint_of(alice, URL)
    refused = hers.post("/api/webhooks/", HOOK, format="json")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:microstore:problem:too-many-webhooks")


@pytest.mark.django_db(transaction=True)
def test_the_bound_holds_for_requests_at_the_same_moment(
    alice: User, client_of: Callable[[User], APIClient], settings: Settings
) -> None:
    settings.MAX_WEBHOOKS = 2
    clients = [client_of(alice) for _ in range(6)]
    answers = run_at_once(6, lambda n: clients[n].post("/api/webhooks/", HOOK, format="json").status_code)
    assert sorted(answers) == [201, 201, 409, 409, 409, 409]


def test_only_staff_with_the_permission_get_the_events_of_all(
    hers: APIClient, alice: User, bob: User, make_user: Callable[..., User], order: Order
) -> None:
    refused = hers.post("/api/webhooks/", HOOK | {"scope": "all_orders"}, format="json")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:microstore:problem:not-yours")
    staff = may_watch(make_user("carol", is_staff=True))
    watching = endpoint_of(staff, URL, scope="all_orders")
    own, others = endpoint_of(alice, URL), endpoint_of(bob, URL)
    assert {each.endpoint_id for each in store_created(order)} == {watching.pk, own.pk}
    staff.user_permissions.clear()
    assert {each.endpoint_id for each in store_created(order)} == {own.pk}
    assert not others.deliveries.exists()
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert store_created(order) == []


def test_who_has_the_password_of_staff_alone_gets_no_events_of_all_orders(
    make_user: Callable[..., User], client_of: Callable[[User], APIClient], settings: Settings
) -> None:
    staff = may_watch(make_user("carol", is_staff=True))
    path = f"/api/webhooks/{endpoint_of(staff, URL, scope='all_orders').pk}/"
    settings.STAFF_SECOND_FACTOR = True
    api, form, made = client_of(staff), HOOK | {"scope": "all_orders"}, WebhookEndpoint.objects
    assert api.post("/api/webhooks/", form, format="json").status_code == 403
    assert api.patch(path, {"url": f"{URL}/theirs"}, format="json").status_code == 403
    assert api.post(f"{path}rotate-secret/").status_code == 403
    pages = Client()
    pages.force_login(staff)
    assert pages.post("/account/webhooks/", form).status_code == 403
    assert made.count() == 1
    session = pages.session
    session[DEVICE_ID_SESSION_KEY] = TOTPDevice.objects.create(user=staff).persistent_id
    session.save()
    assert pages.post("/account/webhooks/", form).status_code == 200
    assert made.count() == 2


def test_an_endpoint_gets_the_events_that_it_has_chosen_once(alice: User, order: Order) -> None:
    endpoint_of(alice, URL, events=["order.cancelled"])
    both = endpoint_of(alice, URL, events=["order.created", "order.completed"])
    fact = order_created(order)
    for _ in range(2):
        store_deliveries("order.created", [fact])
    assert list(WebhookDelivery.objects.values_list("endpoint", "event_id")) == [(both.pk, fact.event_id)]


def test_every_fact_has_a_type_and_names_ids_alone(alice: User, order: Order) -> None:
    endpoint = endpoint_of(alice, URL)
    cancelled, created = order_cancelled(order), order_created(order)
    [completed] = complete_orders([item_sold(order.pk)])
    order.refresh_from_db()
    refund = Refund.objects.create(order=order, requested_by=alice, amount_cents=1, reason="A leg is loose")
    refunded = refund_completed(refund, OrderRefunded.model_validate(refund_reply(refund)))
    refused = order_refund_refused(refund, refund_refused(refund))
    rejected = ORDER_REJECTED(
        order_id=order.pk, listing_id=order.listing_id, reason="No fee", trace=order.trace
    )
    order.checkout_id = uuid7()
    facts = {
        "order.created": created,
        "order.completed": completed,
        "order.cancelled": cancelled,
        "order.refunded": refunded,
        "order.refund_refused": refused,
        "order.rejected": rejected,
        "order.checkout_settled": checkout_settled([order]),
        **{str(each.fact): payout_of(alice, each) for each in PAYOUTS},
    }
    assert set(facts) == set(EVENT_TYPES)
    for event_type, fact in facts.items():
        assert store(event_type, [fact]) == 1, event_type
    bodies = dict(endpoint.deliveries.values_list("event_type", "body"))
    assert set(bodies) == set(facts)
    for event_type, body in bodies.items():
        named = {"payout.": "payout_id", "order.checkout": "checkout_id"}
        [id_name] = [name for start, name in named.items() if event_type.startswith(start)] or ["order_id"]
        assert str(getattr(facts[event_type], id_name)) in body
        ensure_as_described(event_type, payload=json.loads(body))
        for detail in (
            "No fee",
            "A leg",
            "voided",
            "EUR",
            "bob",
            order.trace,
            "buyer_id",
            "seller_id",
            "_cents",
        ):
            assert detail not in body


def store(event_type: str, facts: list[Any]) -> int:
    """Have the worker's handler store deliveries; return how many."""
    before = WebhookDelivery.objects.count()
    [fact] = [each for each in SUBSCRIBED_FACTS if each.fact == event_type]
    tasks.store_deliveries_of(fact)(facts)
    return WebhookDelivery.objects.count() - before


def payout_of(seller: User, fact: AnyContract = PAYOUT_PAID) -> Any:
    terms = {"seller_id": seller.pk, "amount_cents": 5_000, "currency": "EUR"}
    return fact(payout_id=uuid7(), trace=new_trace(), **terms)


def test_an_event_of_a_payout_is_its_sellers_and_staffs(
    alice: User, bob: User, make_user: Callable[..., User]
) -> None:
    endpoint_of(bob, URL)
    endpoint_of(alice, URL, events=["payout.failed"])
    wanted = endpoint_of(alice, URL, events=["payout.paid"])
    staff = endpoint_of(may_watch(make_user("carol", is_staff=True)), URL, scope="all_orders")
    fact = payout_of(alice)
    assert [store("payout.paid", [fact]) for _ in range(2)] == [2, 0]
    found = WebhookDelivery.objects.values_list("endpoint", "event_id")
    assert set(found) == {(wanted.pk, fact.event_id), (staff.pk, fact.event_id)}


def test_a_settled_checkout_is_one_event_for_each_of_its_sellers(
    alice: User, bob: User, make_user: Callable[..., User], put_on_sale: Callable[..., Listing]
) -> None:
    carol, things = make_user("carol"), [put_on_sale() for _ in range(3)]
    Listing.objects.filter(pk=things[2].pk).update(seller=carol)
    orders = [order_one(thing, buyer_id=bob.pk) for thing in things]
    Order.objects.update(checkout_id=uuid7())
    endpoints = {endpoint_of(user, URL).pk for user in (alice, carol)}
    endpoint_of(bob, URL)
    fact = checkout_settled(list(Order.objects.filter(pk__in=[order.pk for order in orders])))
    assert [store("order.checkout_settled", [fact]) for _ in range(2)] == [2, 0]
    assert set(WebhookDelivery.objects.values_list("endpoint", flat=True)) == endpoints


def refund_reply(refund: Refund) -> dict[str, Any]:
    return {
        "refund_id": refund.pk,
        "order_id": refund.order_id,
        "listing_id": refund.order.listing_id,
        "transaction_id": refund.order.transaction_id,
        "amount_cents": 1,
        "fee_cents": 0,
        "currency": "EUR",
        "trace": new_trace(),
    }


def test_a_rejection_after_a_cancellation_is_no_event(alice: User, bob: User, order: Order) -> None:
    endpoint_of(alice, URL)
    cancel_order(order.pk, buyer_id=bob.pk)
    rejected = ORDER_REJECTED(
        order_id=order.pk, listing_id=order.listing_id, reason="No fee", trace=order.trace
    )
    assert store_deliveries("order.rejected", [rejected]) == 0


def test_a_purchase_costs_one_query_while_nobody_has_an_endpoint(order: Order, alice: User) -> None:
    fact = order_created(order)
    with CaptureQueriesContext(connection) as queries:
        assert is_none_enabled()
    assert len(queries) == 1
    endpoint_of(alice, URL)
    assert not is_none_enabled()
    with CaptureQueriesContext(connection) as queries:
        store_deliveries("order.created", [fact] * 50)
    assert len(queries) == 3


def test_each_fact_has_a_handler_of_this_listener() -> None:
    assert tasks
    handled = set(celery_app().tasks)
    assert {f"webhooks.heard_{fact.name}" for fact in SUBSCRIBED_FACTS} <= handled


@pytest.mark.parametrize(
    ("found", "call"),
    [
        ("find_endpoint", ("patch", "", 404)),
        ("find_endpoint", ("delete", "", 204)),
        ("find_endpoint", ("post", "rotate-secret/", 404)),
        ("find_endpoint", ("post", "ping/", 409)),
        ("find_delivery", ("post", "deliveries/{}/redeliver/", 409)),
    ],
)
def test_what_is_deleted_at_this_moment_is_no_fault_of_ours(
    hers: APIClient, order: Order, monkeypatch: pytest.MonkeyPatch, found: str, call: tuple[str, str, int]
) -> None:
    endpoint = endpoint_of(order.listing.seller, URL)
    [delivery] = store_created(order)
    find = getattr(endpoints, found)

    def find_and_delete(*args: Any, **options: Any) -> Any:
        row = find(*args, **options)
        WebhookEndpoint.objects.all().delete()
        return row

    monkeypatch.setattr(endpoints, found, find_and_delete)
    method, path, status = call
    body = {"enabled": False} if method == "patch" else None
    address = f"/api/webhooks/{endpoint.pk}/{path.format(delivery.pk)}"
    assert getattr(hers, method)(address, body, format="json").status_code == status
