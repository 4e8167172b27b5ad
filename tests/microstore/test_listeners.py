"""A listener's queue hears facts beside its own commands; what it is sent again comes to it alone."""

from collections.abc import Callable
from typing import Any

import pytest
from kombu import Connection

from microstore.celery import app
from microstore.contracts.listings import ORDER_COMPLETED, OrderCompleted
from microstore.contracts.registry import CONTRACTS, LISTENERS, SERVICES
from microstore.messaging import topology
from microstore.messaging.dead_letters.replay import preview, replay
from microstore.messaging.models import DeadLetter, OutboxMessage
from microstore.messaging.receiving.consumer import Unavailable, handles_fact, publish
from microstore.messaging.receiving.message_schema import find_fault
from tests.support.broker import facts

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale(armchair: dict[str, Any]) -> OrderCompleted:
    fields = {name: armchair[name] for name in ("order_id", "listing_id", "buyer_id", "seller_id", "trace")}
    rest: dict[str, Any] = {"quantity": 1, "total_cents": 2_600, "fee_cents": 100, "currency": "EUR"}
    return ORDER_COMPLETED(**fields, **rest, transaction_id=armchair["order_id"])


def test_a_listener_is_no_service_but_has_a_queue_that_keeps_what_it_is_told() -> None:
    assert set(LISTENERS) == {"notifications"}
    assert SERVICES == ["listings", "transactions"]
    queue = topology.service_queue("notifications")
    assert queue.queue_arguments["x-queue-type"] == "quorum"
    assert queue.queue_arguments["x-dead-letter-routing-key"] == "dead.listings"


def test_a_fact_comes_to_the_listener_and_to_everybody_else(
    broker: Connection, sale: OrderCompleted, received: Callable[[str], list[Any]]
) -> None:
    with facts("order.completed") as others:
        publish(ORDER_COMPLETED, [sale])
        assert len(others.take()) == 1
    [(args, _, embed)] = received("notifications")
    assert args[0][0]["event_id"] == str(sale.event_id)
    assert embed["chain"] is None


def test_a_fact_that_is_tried_again_comes_to_the_listener_alone(
    broker: Connection, sale: OrderCompleted, received: Callable[[str], list[Any]]
) -> None:
    publish(ORDER_COMPLETED, [sale])
    received("notifications")

    def wait(events: list[OrderCompleted]) -> list[Any]:
        raise Unavailable

    names = ("order_completed", "notifications.heard_order_completed")
    known = {name: app.tasks.pop(name, None) for name in names}
    handles_fact(ORDER_COMPLETED, listener="notifications")(wait)
    try:
        with facts("order.*") as others:
            app.tasks["order_completed"].apply(args=([sale.model_dump(mode="json")],), throw=True)
            assert others.take() == []
        again = None
        while again is None:
            again = broker.default_channel.basic_get("notifications", no_ack=True)
        message = broker.default_channel.message_to_python(again)
        assert message.headers["task"] == "notifications.heard_order_completed"
        assert find_fault(message) is None
    finally:
        for name, task in known.items():
            app.tasks.pop(name)
            if task:
                app.tasks.register(task)


def test_a_fact_that_died_is_replayed_to_the_listener_alone(sale: OrderCompleted) -> None:
    letter = DeadLetter.objects.create(
        fingerprint="heard", contract="heard_order_completed", payload=sale.model_dump(mode="json"), error="?"
    )
    assert preview(letter).outcome == "will run"
    replay(letter.pk, by="olga", reason="the mail server is back")
    contract = CONTRACTS[OutboxMessage.objects.get().contract]
    assert (contract.task_name, contract.fact) == ("notifications.heard_order_completed", None)
