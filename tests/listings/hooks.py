"""Endpoints of webhooks, facts about Alice's sales, and a sender for one round."""

from functools import cache
from typing import Any

from django.contrib.auth.models import User
from django.db.models.functions import Now
from jsonschema import Draft7Validator

from listings.messages import order_created
from listings.models import Order
from listings.webhooks.endpoints import make_endpoint
from listings.webhooks.events import EVENT_TYPES
from listings.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from listings.webhooks.sender import Sender
from listings.webhooks.store import store_deliveries
from microstore.messaging.asyncapi import describe_project


def endpoint_of(user: User, url: str, **fields: Any) -> WebhookEndpoint:
    """An endpoint of the user for events of all types, unless told otherwise."""
    return make_endpoint(owner_id=user.pk, **({"url": url, "events": list(EVENT_TYPES)} | fields))


def store_created(*orders: Order) -> list[WebhookDelivery]:
    """The deliveries of the fact that these orders were made."""
    facts = [order_created(order) for order in orders]
    store_deliveries("order.created", facts)
    return list(WebhookDelivery.objects.filter(event_id__in=[fact.event_id for fact in facts]).order_by("pk"))


def make_due() -> None:
    """Everything that waits is due at this moment, and no endpoint is left alone."""
    WebhookDelivery.objects.filter(status="waiting").update(due_at=Now())
    WebhookEndpoint.objects.update(paused_until=None)


def send_due() -> None:
    """Claim what is due, send it, and record what is answered."""
    sender = Sender()
    sender.stopping.set()  # so that no step waits for the next one
    recorded = -1
    while sender.calls or recorded != (count := WebhookAttempt.objects.count()):
        recorded = count
        sender.step()
    sender.finish()


@cache
def catalogue() -> dict[str, Any]:
    """The AsyncAPI document."""
    return describe_project()


def ensure_as_described(event_type: str, **parts: object) -> None:
    """Fail unless these parts of a webhook, `headers` or `payload`, are as the catalogue describes them."""
    for part, value in parts.items():
        schema = catalogue() | {"$ref": f"#/components/messages/webhooks-{event_type}/{part}"}
        Draft7Validator(schema).validate(value)
