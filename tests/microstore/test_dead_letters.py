"""What cannot be handled is kept in the service's database."""

import sys
from datetime import UTC, datetime
from typing import Any

import amqp
import pytest
from django.conf import settings
from kombu import Connection

from microstore.celery import app
from microstore.contracts.contract import InvalidMessage, to_wire
from microstore.contracts.transactions import ORDER_CREATED
from microstore.messaging import topology
from microstore.messaging.dead_letters import store
from microstore.messaging.models import DeadLetter
from tests.support.poison import deep

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_dead_message_moves_from_the_broker_to_the_database_with_its_body(broker: Connection) -> None:
    publish_dead(b"\xff not even text", headers={"task": "listings.item_sold", "id": "7"})
    assert store.collect(broker) == 1
    letter = DeadLetter.objects.get()
    assert bytes(letter.raw_body or b"") == b"\xff not even text"
    assert letter.contract == "listings.item_sold"
    assert letter.state == "waiting"
    assert store.collect(broker) == 0


def test_a_message_that_dies_twice_is_one_letter(broker: Connection) -> None:
    for _ in range(2):
        publish_dead(b"[]", headers={"id": "7"})
    assert store.collect(broker) == 2
    assert DeadLetter.objects.count() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"task": "nul\0", "colour\0": "green\0"},
        {"task": "\ud800"},
        {"task": b"\xff\xfe"},
        {"colour": [{"deep": datetime(2026, 1, 1, tzinfo=UTC)}]},
        {"compression": "application/x-gzip"},
        {"compression": {"a": 1}},
        {"colour": "green" * 20_000},
        {"colour": deep(700)},
        {"x-delivery-count": "often"},
        {"x-delivery-count": 2**62},
        {"x-delivery-count": -1},
        {"x-delivery-count": {"a": 1}},
        {"x-first-death-reason": {"a": [1]}, "x-first-death-queue": ["a"]},
    ],
)
def test_no_header_can_keep_a_letter_in_the_broker(broker: Connection, headers: dict[str, Any]) -> None:
    # py-amqp writes a level with two calls and reads it with one.
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(2 * limit)
    try:
        publish_dead(b"green", headers=headers)
    finally:
        sys.setrecursionlimit(limit)
    assert store.collect(broker) == 1
    assert bytes(DeadLetter.objects.get().raw_body or b"") == b"green"


@pytest.mark.parametrize("levels", [60, 400, 960])
def test_an_event_that_is_nested_deep_is_dead_lettered_alone(levels: int) -> None:
    error = InvalidMessage("order_created: order_id: Field required")
    for colour, attempts in (("green", 1), ("blue", 10**30)):
        payload = {"colour": colour, "deep": deep(levels)}
        store.dead_letter(contract="order_created", payload=payload, error=error, attempts=attempts)
    assert DeadLetter.objects.count() == 2
    assert all(b"order_id" not in bytes(letter.raw_body or b"") for letter in DeadLetter.objects.all())


def test_two_messages_without_ids_are_two_letters(broker: Connection) -> None:
    publish_dead(b"", headers={"task": "listings.item_sold"})
    publish_dead(b"", headers={"task": "listings.unheard_of"})
    assert store.collect(broker) == 2
    assert DeadLetter.objects.count() == 2


def test_an_event_is_dead_lettered_with_its_error_and_its_trace(armchair: dict[str, Any]) -> None:
    payload = to_wire(ORDER_CREATED(**armchair))
    for _ in range(2):
        try:
            ORDER_CREATED(**armchair | {"quantity": 0})
        except InvalidMessage as error:
            store.dead_letter(contract="order_created", payload=payload, error=error, attempts=3)
    letter = DeadLetter.objects.get()
    assert letter.payload == payload
    assert letter.trace == armchair["trace"]
    assert letter.error.startswith("InvalidMessage: order_created: quantity: Input should be")
    assert "test_dead_letters.py" in letter.traceback
    assert letter.attempts == 3


def test_letters_that_cannot_be_stored_stay_in_the_broker(
    broker: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_dead(b"[]", headers={"id": "7"})
    with monkeypatch.context() as patch:
        patch.setattr(DeadLetter.objects, "update_or_create", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.collect(broker)
    assert store.collect(broker) == 1


def publish_dead(body: bytes, *, headers: dict[str, Any]) -> None:
    """Put a message where the broker puts the dead ones of this service."""
    with app.connection_for_write(transport_options={"confirm_publish": True}) as confirming:
        message = amqp.Message(
            body,
            application_headers=headers,
            content_type="application/x-rubbish",
            content_encoding="binary",
        )
        confirming.default_channel.basic_publish(message, topology.DEAD.name, f"dead.{settings.SERVICE}")
