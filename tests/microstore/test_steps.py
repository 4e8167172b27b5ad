"""Steps that a client has chained to its message, and messages of one batch about the same thing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import signature
from kombu import Connection

from microstore.contracts.contract import Message, to_wire
from microstore.contracts.transactions import ORDER_CREATED, OrderCreated
from microstore.messaging.receiving.consumer import Delivery, Unavailable, passed_at
from microstore.messaging.receiving.retry_state import RetryState
from tests.support.deliveries import ArrivedTask

pytestmark = pytest.mark.django_db(transaction=True)

OWN = {"event_id": "of its own"}


@pytest.fixture(autouse=True)
def nothing_passed_before() -> None:
    passed_at.clear()


def step(task: str, *, immutable: bool) -> dict[str, Any]:
    """A step as Celery has it in a message."""
    return dict(signature(task, args=[[OWN]] if immutable else [], immutable=immutable))


def order(armchair: dict[str, Any], **changes: Any) -> OrderCreated:
    return ORDER_CREATED(**armchair | {"order_id": uuid4()} | changes)


def deliver(
    orders: list[OrderCreated], handler: Callable[[list[Any]], list[Message]], *steps: dict[str, Any]
) -> ArrivedTask:
    """Let a batch arrive whose message has these steps, in the order in which they run."""
    task = ArrivedTask()
    task.request.chain = list(reversed(steps))  # Celery takes the next one from the end
    task.request.callbacks = [each for each in steps if each["immutable"]]
    Delivery(task, ORDER_CREATED, handler, RetryState()).handle([to_wire(each) for each in orders])
    return task


def give_no_reply(orders: list[OrderCreated]) -> list[Message]:
    return []


def echo(orders: list[OrderCreated]) -> list[Message]:
    return list(orders)


def fail(orders: list[OrderCreated]) -> list[Message]:
    raise Unavailable("the till is shut")


def test_without_a_reply_steps_with_events_of_their_own_run_and_the_others_do_not(
    armchair: dict[str, Any],
) -> None:
    reply = step("listings.item_sold", immutable=False)
    own = step("transactions.order_cancelled", immutable=True)
    task = deliver([order(armchair)], give_no_reply, reply, own, reply)
    assert task.request.chain == [reply, own]
    assert task.request.callbacks == [own]
    assert deliver([order(armchair)], give_no_reply, reply).request.chain is None


def test_what_is_sent_again_takes_its_steps_along(armchair: dict[str, Any]) -> None:
    own = step("transactions.order_cancelled", immutable=True)
    task = deliver([order(armchair)], fail, own)
    assert (task.request.chain, task.request.callbacks) == (None, None)
    [again] = task.sent_again
    assert (again["chain"], again["link"]) == ([own], [own])


def test_the_reply_is_sent_though_a_step_of_its_name_has_events_of_its_own(
    armchair: dict[str, Any], broker: Connection, received: Callable[[str], list[Any]]
) -> None:
    """`chain(order_created.s(…), item_sold.si(…))`: the order would stay pending."""
    placed = order(armchair)
    deliver([placed], echo, step("listings.item_sold", immutable=True))
    [[[[reply]], _, _]] = received("listings")
    assert reply["order_id"] == str(placed.order_id)


def test_messages_about_the_same_thing_are_handled_one_after_the_other(armchair: dict[str, Any]) -> None:
    """The second one is compared with what the first has stored."""
    handled: list[list[int]] = []

    def note(orders: list[OrderCreated]) -> list[Message]:
        handled.append([each.quantity for each in orders])
        return []

    same = order(armchair)
    batch = [same, order(armchair, quantity=2), *(same.model_copy(update={"quantity": n}) for n in (3, 4))]
    deliver(batch, note)
    assert handled == [[1, 2], [3], [4]]


def test_of_a_steps_options_the_next_message_has_those_that_have_an_effect(armchair: dict[str, Any]) -> None:
    """A stamp may be named as an argument of Celery's, and must not be taken for it."""
    stamps = {"customer": "7", "name": "olga", "producer": "north"}
    kept = {"task_id": str(uuid4()), "link": [step("listings.item_sold", immutable=False)]}
    ignored = {"queue": "listings", "serializer": "pickle", "headers": {"id": 5}, "priority": 3, "x": 1}
    own = step("transactions.order_cancelled", immutable=True)
    own["options"] = kept | ignored | stamps | {"stamped_headers": [*stamps, "of which there is no value"]}
    task = deliver([order(armchair)], echo, own, own)
    of_stamps = {"stamped_headers": list(stamps), "stamps": stamps}
    for callback in (task.request.callbacks[0], task.request.chain[-1]):
        assert callback["options"] == kept | {"headers": of_stamps}
    assert task.request.chain[0] == own  # it is cleaned where it is the next one


def test_the_delay_of_a_step_is_its_receivers_business(armchair: dict[str, Any]) -> None:
    """RabbitMQ lets a service delay what goes to its own queues, and to no others."""
    now = datetime.now(UTC)
    for delay, seconds in (
        ({"countdown": 60}, 60),
        ({"countdown": 60.5}, 60),
        ({"eta": (now + timedelta(seconds=90)).isoformat()}, 90),
        ({"eta": now + timedelta(seconds=90)}, 90),  # as kombu reads it
    ):
        reply = step("listings.item_sold", immutable=False) | {"options": delay}
        [left] = deliver([order(armchair)], echo, reply).request.chain
        assert left["options"].keys() == {"headers"}
        eta = datetime.fromisoformat(left["options"]["headers"]["eta"])
        assert seconds <= (eta - now).total_seconds() < seconds + 20


def test_what_is_sent_again_keeps_the_stamps_of_its_steps(armchair: dict[str, Any]) -> None:
    own = step("transactions.order_cancelled", immutable=True)
    own["options"] = {"customer": "7", "stamped_headers": ["customer"]}
    task = deliver([order(armchair)], fail, own)
    [again] = task.sent_again
    assert (again["chain"], again["link"]) == ([own], [own])
