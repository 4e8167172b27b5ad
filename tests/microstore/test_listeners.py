"""A listener's queue hears facts beside its own commands; what it is sent again comes to it alone."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from kombu import Connection
from pytest_django import Settings

from microstore.celery import app
from microstore.contracts.contract import to_wire
from microstore.contracts.listings import ORDER_COMPLETED, OrderCompleted
from microstore.contracts.registration import DuplicateName, Listener, Registry
from microstore.contracts.registry import CONTRACTS, LISTENERS, REGISTRY, SERVICES
from microstore.messaging import topology
from microstore.messaging.dead_letters import store
from microstore.messaging.dead_letters.replay import preview, replay
from microstore.messaging.models import DeadLetter, OutboxMessage
from microstore.messaging.receiving import consumer
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
    for name in ("notifications", "webhooks"):
        assert name in LISTENERS
        assert name not in SERVICES
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
    broker: Connection,
    sale: OrderCompleted,
    received: Callable[[str], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer, "fact_handlers", {})
    monkeypatch.setattr(app.amqp.queues, "_consume_from", {"notifications": None})
    publish(ORDER_COMPLETED, [sale])
    received("notifications")

    def wait(events: list[OrderCompleted]) -> list[Any]:
        raise Unavailable

    known = {name: app.tasks.pop(name, None) for name in names_of("notifications")}
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
        restore(known)


def test_two_listeners_of_one_service_each_handle_the_facts_of_the_queues_that_the_worker_consumes(
    sale: OrderCompleted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "fact_handlers", {})
    handled: list[str] = []

    def note(listener: str, events: list[OrderCompleted]) -> list[Any]:
        handled.append(listener)
        return []

    known = {name: app.tasks.pop(name, None) for name in names_of("notifications", "webhooks")}
    try:
        for listener in ("notifications", "webhooks"):
            handles_fact(ORDER_COMPLETED, listener=listener)(partial(note, listener))
        for consumed in (["webhooks"], ["notifications"], ["notifications", "webhooks"]):
            handled.clear()
            monkeypatch.setattr(app.amqp.queues, "_consume_from", dict.fromkeys(consumed))
            app.tasks["order_completed"].apply(args=([sale.model_dump(mode="json")],), throw=True)
            assert handled == consumed
    finally:
        restore(known)


def test_a_fact_that_a_listener_does_not_want_is_not_handled_nor_looked_at(
    sale: OrderCompleted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "fact_handlers", {})
    monkeypatch.setattr(app.amqp.queues, "_consume_from", {"webhooks": None})
    handled: list[OrderCompleted] = []
    answers: list[bool | Exception] = [True, False, OperationalError("away")]

    def is_nobody_there() -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def note(events: list[OrderCompleted]) -> list[Any]:
        handled.extend(events)
        return []

    known = {name: app.tasks.pop(name, None) for name in names_of("webhooks")}
    try:
        handles_fact(ORDER_COMPLETED, listener="webhooks", unless=is_nobody_there)(note)
        assert app.tasks["order_completed"].apply(args=(["no event"],), throw=True).result == []
        for _ in range(2):
            app.tasks["order_completed"].apply(args=([sale.model_dump(mode="json")],), throw=True)
        assert handled == [sale, sale], "if it is not known, the handler has to see"
    finally:
        restore(known)


def names_of(*listeners: str) -> list[str]:
    return ["order_completed", *(f"{listener}.heard_order_completed" for listener in listeners)]


def restore(known: dict[str, Any]) -> None:
    for name, task in known.items():
        app.tasks.pop(name, None)
        if task:
            app.tasks.register(task)


def test_a_fact_that_died_is_replayed_to_the_listener_alone(sale: OrderCompleted, settings: Settings) -> None:
    # Letters of earlier releases do not name the listener, and are understood while there is one.
    one = Listener("listings", ("order.*",), (ORDER_COMPLETED,))
    settings.MESSAGING_REGISTRY = Registry([ORDER_COMPLETED], listeners={"notifications": one})
    letter = DeadLetter.objects.create(
        fingerprint="heard", contract="heard_order_completed", payload=sale.model_dump(mode="json"), error="?"
    )
    assert preview(letter).outcome == "will run"
    replay(letter.pk, by="olga", reason="the mail server is back")
    contract = CONTRACTS[OutboxMessage.objects.get().contract]
    assert (contract.task_name, contract.fact) == ("notifications.heard_order_completed", None)


def test_two_listeners_to_one_fact_have_commands_queues_and_dead_letters_of_their_own(
    broker: Connection, sale: OrderCompleted, received: Callable[[str], list[Any]], settings: Settings
) -> None:
    both = {
        "notifications": Listener("listings", ("order.*",), (ORDER_COMPLETED,)),
        "shipping": Listener("shipping", ("order.completed",), (ORDER_COMPLETED,)),
    }
    settings.MESSAGING_REGISTRY = Registry([ORDER_COMPLETED], listeners=both)
    topology.declare(broker, ["shipping"])
    try:
        publish(ORDER_COMPLETED, [sale])
        assert [len(received(name)) for name in both] == [1, 1]
        for listener, contract in ((name, ORDER_COMPLETED.for_listener(name)) for name in both):
            publish(contract, [sale])
            assert {name: len(received(name)) for name in both} == {name: name == listener for name in both}
            letter = store.dead_letter(
                contract=contract.name, payload=to_wire(sale), error=ValueError(listener), attempts=5
            )
            replay(letter.pk, by="olga", reason="mended")
            found = settings.MESSAGING_REGISTRY.find(OutboxMessage.objects.latest("id").contract)
            assert found.to == listener
        assert (
            topology.service_queue("shipping").queue_arguments["x-dead-letter-routing-key"] == "dead.shipping"
        )
    finally:
        for queue in ("shipping", "shipping.dead"):
            broker.default_channel.queue_delete(queue)


def test_a_fact_that_a_listener_rejected_is_replayed_to_that_listener_alone(
    broker: Connection, sale: OrderCompleted
) -> None:
    headers = {"task": "order_completed", "x-first-death-queue": "notifications"}
    store.dead_letter_unread(json.dumps([[[to_wire(sale)]], {}, {}]), {"application_headers": headers})
    assert DeadLetter.objects.get().contract == "notifications.heard_order_completed"


def test_two_contracts_of_one_name_are_an_error_when_they_are_registered() -> None:
    with pytest.raises(DuplicateName, match="order_completed"):
        Registry([ORDER_COMPLETED, ORDER_COMPLETED])


def test_the_queues_that_celery_consumes_without_being_told_are_those_of_the_service() -> None:
    assert set(app.amqp.queues.consume_from) == set(REGISTRY.queues_of(settings.SERVICE))
