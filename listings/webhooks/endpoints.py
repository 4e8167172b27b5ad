"""Endpoints as their owners use them: made, changed, tried, and their deliveries sent again."""

from collections.abc import Mapping
from math import ceil
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy
from uuid_utils.compat import uuid7

from listings import queries
from listings.refusals import (
    NotYours,
    SecretJustChanged,
    TooManyWebhooks,
    WebhookNotFound,
    WebhookOff,
)
from listings.webhooks.events import PING, make_body
from listings.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from listings.webhooks.secrets import BOTH_ARE_GOOD_FOR, make_secret
from listings.webhooks.store import WATCH_ALL
from microstore.database.clock import database_now
from microstore.staff.second_factor import acts_as_staff

Scope = WebhookEndpoint.Scope
NO_ENDPOINT = gettext_lazy("You have no such endpoint.")
NO_DELIVERY = gettext_lazy("The endpoint has no such delivery.")
WELL = {"failures": 0, "failing_since": None, "paused_until": None}


def endpoints_of(user_id: int) -> QuerySet[WebhookEndpoint]:
    """Return the endpoints of this user."""
    return WebhookEndpoint.objects.filter(owner=user_id)


def find_endpoint(endpoint_id: UUID, *, owner_id: int) -> WebhookEndpoint:
    """Return an endpoint of this user; raises WebhookNotFound, also for those of others."""
    endpoint = endpoints_of(owner_id).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise WebhookNotFound(NO_ENDPOINT)
    return endpoint


def may_watch_all(viewer: Any) -> bool:
    """Return whether the viewer, of a session or an account's row, may have the events of all orders sent."""
    return acts_as_staff(viewer) and bool(viewer.has_perm(WATCH_ALL))


def ensure_may_watch(scope: str, viewer: Any) -> None:
    """Raise NotYours where the scope is that of all orders, which the viewer may not watch."""
    if scope == Scope.ALL_ORDERS and not may_watch_all(viewer):
        text = "Staff with the permission for it, logged in with their second factor, get the events of all."
        raise NotYours(text)


def _lock(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    locked = WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk).first()
    if locked is None:
        raise WebhookNotFound(NO_ENDPOINT)
    return locked


def find_delivery(delivery_id: int, *, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Return a delivery to the endpoint, with its log; raises WebhookNotFound."""
    delivery = endpoint.deliveries.prefetch_related(log()).filter(pk=delivery_id).first()
    if delivery is None:
        raise WebhookNotFound(NO_DELIVERY)
    return delivery


def log(*, newest_first: bool = False) -> "Prefetch[Any]":
    """Return the prefetch of the attempts of deliveries, in the order in which they were made."""
    return Prefetch("attempts_made", WebhookAttempt.objects.order_by("-pk" if newest_first else "pk"))


@transaction.atomic
def make_endpoint(*, owner_id: int, viewer: Any = None, **fields: Any) -> WebhookEndpoint:
    """Return a new endpoint with a secret; raises AccountGone, NotYours or TooManyWebhooks.

    `viewer` is the user of the session, which may have passed the second factor; a token has not.
    """
    owner = queries.find_account(owner_id)
    ensure_may_watch(fields.get("scope", Scope.OWN_SALES), viewer or owner)
    # Locked, so that two requests at once do not both find room for one more.
    User.objects.select_for_update(no_key=True).get(pk=owner_id)
    if endpoints_of(owner_id).count() >= settings.MAX_WEBHOOKS:
        text = gettext("An account has {most} endpoints at most.")
        raise TooManyWebhooks(text.format(most=settings.MAX_WEBHOOKS))
    return WebhookEndpoint.objects.create(owner=owner, secret=make_secret(), **fields)


@transaction.atomic
def change_endpoint(endpoint: WebhookEndpoint, changes: Mapping[str, Any]) -> WebhookEndpoint:
    """Change url, events, description or `enabled`; switched on, an endpoint starts without failures.

    What waited while it was off is sent then. Raises WebhookNotFound where it was deleted meanwhile.
    """
    endpoint = _lock(endpoint)
    switched = "enabled" in changes and changes["enabled"] != endpoint.enabled
    begins_anew = switched or changes.get("url", endpoint.url) != endpoint.url
    values = dict(changes) | (WELL if begins_anew else {})
    if switched:
        values |= {"off_reason": "", "mail_due": False}
    for name, value in values.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=values)
    return endpoint


@transaction.atomic
def delete_endpoint(endpoint: WebhookEndpoint) -> None:
    """Delete the endpoint with its deliveries and their log."""
    # First the endpoint, as everywhere: Django would delete, and so lock, its deliveries before it.
    WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk).first()
    endpoint.delete()


@transaction.atomic
def rotate_secret(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Give the endpoint a new secret; for a day each request has a signature of the one before as well.

    Raises SecretJustChanged within that day, or WebhookNotFound where it was deleted meanwhile.
    """
    endpoint, now = _lock(endpoint), database_now()  # by whose clock the senders sign
    if (until := endpoint.previous_secret_until) and until > now:
        text = gettext("The secret has just been changed. You can change it again after {time} UTC.")
        raise SecretJustChanged(
            text.format(time=date_format(until, gettext("j M Y, H:i"))),
            retry_after_seconds=ceil((until - now).total_seconds()),
        )
    endpoint.previous_secret, endpoint.secret = endpoint.secret, make_secret()
    endpoint.previous_secret_until = now + BOTH_ARE_GOOD_FOR
    endpoint.save(update_fields=("previous_secret", "secret", "previous_secret_until"))
    return endpoint


@transaction.atomic
def ping(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Store a delivery that tries the endpoint, and is not one of an order; raises WebhookOff."""
    _make_ready(endpoint)
    event_id = uuid7()
    body = make_body(PING, timezone.now().isoformat(), {"endpoint_id": str(endpoint.pk)})
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint, event_id=event_id, event_type=PING, body=body
    )
    delivery.refresh_from_db()
    return delivery


@transaction.atomic
def redeliver(delivery: WebhookDelivery) -> WebhookDelivery:
    """Have the delivery sent again, with the same id, whatever became of it before.

    Raises WebhookOff, or WebhookNotFound where it was deleted meanwhile.
    """
    _make_ready(delivery.endpoint)
    again = WebhookDelivery.objects.filter(pk=delivery.pk)
    if not again.update(status=WebhookDelivery.Status.WAITING, attempts=0, due_at=Now(), settled_at=None):
        raise WebhookNotFound(NO_DELIVERY)
    delivery.refresh_from_db()
    return delivery


def _make_ready(endpoint: WebhookEndpoint) -> None:
    # Somebody looks at it now: no pause after failures.
    if not WebhookEndpoint.objects.filter(pk=endpoint.pk, enabled=True).update(paused_until=None):
        raise WebhookOff(gettext("The endpoint is switched off."))
