"""Webhooks in the shop's pages and in the admin."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from listings.webhooks import endpoints
from listings.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from microstore.staff.models import StaffAction
from tests.listings.hooks import endpoint_of
from tests.support.roles import client_as

pytestmark = pytest.mark.django_db

URL = "https://hooks.example/microstore"
WANTED = {"url": URL, "events": ["order.completed"], "description": ""}


def test_a_seller_adds_a_webhook_and_sees_its_secret_once(seller: Client) -> None:
    page = seller.post("/account/webhooks/", WANTED)
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.secret in page.content.decode().replace("&#x3D;", "=").replace("&#43;", "+")
    path = f"/account/webhooks/{endpoint.pk}/"
    rotated = seller.post(f"{path}rotate/").content.decode()
    assert "whsec_" in rotated
    assert 'aria-current="page">Webhooks' in rotated
    for shown in (seller.get(path), seller.get("/account/webhooks/")):
        assert URL in shown.content.decode()
        assert "whsec_" not in shown.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [{"url": "https://127.0.0.1/"}, {"events": []}, {"events": ["order.invented"]}, {"scope": "all_orders"}],
)
def test_what_is_wrong_is_shown_beside_the_field(seller: Client, wrong: dict[str, object]) -> None:
    page = seller.post("/account/webhooks/", WANTED | wrong)
    assert page.status_code in (400, 403)
    assert 'class="wrong"' in page.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_the_log_shows_what_was_answered_and_sends_again(seller: Client, alice: User) -> None:
    endpoint = endpoint_of(alice, URL)
    path = f"/account/webhooks/{endpoint.pk}/"
    assert seller.post(f"{path}ping/").status_code == 302
    delivery = WebhookDelivery.objects.get()
    WebhookAttempt.objects.create(
        delivery=delivery, duration_ms=12, status_code=500, answer="<b>broken</b> \u202e"
    )
    WebhookDelivery.objects.update(status="failed", attempts=9)
    shown = seller.get(path).content.decode()
    assert "500 after 12 ms" in shown
    assert "&lt;b&gt;broken" in shown
    assert seller.post(f"{path}deliveries/{delivery.pk}/redeliver/").status_code == 302
    delivery.refresh_from_db()
    assert delivery.status == "waiting"
    for action, enabled in (("off", False), ("on", True)):
        seller.post(f"{path}{action}/")
        endpoint.refresh_from_db()
        assert endpoint.enabled == enabled
    seller.post(f"{path}delete/")
    assert not WebhookEndpoint.objects.exists()


def test_others_see_and_change_nothing_of_it(shopper: Client, alice: User) -> None:
    endpoint = endpoint_of(alice, URL)
    delivery = endpoints.ping(endpoint)
    path = f"/account/webhooks/{endpoint.pk}/"
    paths = [f"{path}{action}/" for action in ("ping", "rotate", "off", "delete")]
    paths.append(f"{path}deliveries/{delivery.pk}/redeliver/")
    assert [shopper.post(each).status_code for each in paths] == [404] * 5
    assert shopper.get(path).status_code == 404
    assert URL not in shopper.get("/account/webhooks/").content.decode()
    assert Client().get(path).status_code == 302


def test_staff_see_no_secret_and_operations_act_with_a_record(alice: User) -> None:
    endpoint = endpoint_of(alice, URL)
    endpoints.rotate_secret(endpoint)
    delivery = endpoints.ping(endpoint)
    operations = client_as("operations")
    pages = (
        "webhookendpoint/",
        f"webhookendpoint/{endpoint.pk}/change/",
        f"webhookdelivery/{delivery.pk}/change/",
    )
    for page in pages:
        shown = operations.get(f"/admin/listings/{page}").content.decode()
        assert str(endpoint.pk) in shown
        assert not re.search("whsec_", shown)
    WebhookDelivery.objects.update(status="failed")
    for model, row, action in (
        ("webhookdelivery", delivery.pk, "redeliver"),
        ("webhookendpoint", endpoint.pk, "switch_off"),
        ("webhookendpoint", endpoint.pk, "switch_on"),
        ("webhookendpoint", endpoint.pk, "ping"),
    ):
        operations.post(f"/admin/listings/{model}/", {"action": action, "_selected_action": row})
    assert WebhookDelivery.objects.filter(status="waiting").count() == 2
    done = StaffAction.objects.order_by("pk").values_list("action", flat=True)
    assert list(done) == ["sent again", "switched off", "switched on", "pinged"]
