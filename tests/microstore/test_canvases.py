"""Canvases of a stock Celery client: what its steps may say of themselves, and what of it has an effect."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery, chain, group
from celery.canvas import StampingVisitor  # type: ignore[attr-defined]  # its stubs lack it
from kombu import Queue
from kombu.message import Message

from microstore.messaging.receiving.message_schema import find_fault

CREATED, SOLD = "transactions.order_created", "listings.item_sold"
EVENTS: list[dict[str, Any]] = [{"event_id": str(uuid4())}]


class Customer(StampingVisitor):  # type: ignore[misc]  # for the same reason
    """As in Celery's guide: one stamp, and another header beside it."""

    def on_signature(self, sig: Any, **headers: Any) -> dict[str, Any]:
        return {"customer": "7", "shop": "north", "stamped_headers": ["customer"]}


@pytest.fixture
def client() -> Iterator[Celery]:
    app = Celery("stranger", broker="memory://", set_as_current=False)
    yield app
    app.close()


def sold(app: Celery, **options: Any) -> Any:
    return app.signature(SOLD, **options)


def created(app: Celery, **options: Any) -> Any:
    return app.signature(CREATED, args=[EVENTS], **options)


def faults_of(app: Celery) -> list[str | None]:
    """What is wrong with each message that the client has sent."""
    with app.connection_for_write() as connection:
        queue = Queue("celery")(connection.default_channel)
        return [find_fault(message) for message in iter(lambda: take(queue), None)]


def take(queue: Any) -> Message | None:
    taken: Message | None = queue.get(no_ack=True, accept=["json"])
    return taken


def test_a_stamped_canvas_is_accepted(client: Celery) -> None:
    canvases: list[Any] = [
        chain(created(client), sold(client)),
        created(client, link=sold(client)),
        created(client, link_error=sold(client)),
        group(created(client, link=sold(client)), created(client)),
        chain(created(client), sold(client), created(client, immutable=True, link=sold(client))),
    ]
    for canvas in canvases:
        canvas.clone().apply_async()
        stamped, visited = canvas.clone(), canvas.clone()
        stamped.stamp(customer="7", product=["armchair", {"legs": 4}])
        stamped.apply_async()
        visited.stamp(visitor=Customer())
        visited.apply_async()
    assert faults_of(client) == [None] * (len(canvases) + 1) * 3


HARMLESS = {
    "priority": 3,
    "ignore_result": True,
    "headers": {"traceparent": "00-1"},
    "serializer": "pickle",
    "compression": "gzip",
    "retry": False,
    "retry_policy": {"max_retries": 3},
    "time_limit": 5,
    "soft_time_limit": 4,
    "delivery_mode": 1,
    "argsrepr": "(…)",
    "an_option_of_a_later_celery": 1,
    "queue": "listings",
    "exchange": "microstore.tasks",
    "exchange_type": "direct",
    "routing_key": "task.listings",
}
SOON = datetime.now(UTC) + timedelta(hours=1)
DELAYS: dict[str, Any] = {
    "seconds": {"countdown": 10},
    "parts of a second": {"countdown": 1.5},
    "time": {"eta": SOON},  # on the wire a value of kombu's own type
    "text": {"eta": SOON.isoformat()},
}


@pytest.mark.parametrize("kind", DELAYS)
def test_a_step_may_be_delayed_in_any_way_that_a_client_knows(client: Celery, kind: str) -> None:
    chain(created(client), sold(client).set(**DELAYS[kind])).apply_async()
    created(client, link=sold(client).set(**DELAYS[kind])).apply_async()
    assert faults_of(client) == [None, None]


HARMFUL = {
    "queue": "transactions",
    "exchange": "microstore.events",
    "routing_key": "task.transactions",
    "expires": 60,
    "eta": "2999-01-01T00:00:00+00:00",
    "countdown": 10**6,
    "chord": {"task": SOLD},
    "chain": [{"task": "nowhere.nothing", "args": [], "kwargs": {}, "options": {}}],
}


@pytest.mark.parametrize("option", HARMLESS)
def test_a_step_may_have_any_option_that_changes_nothing(client: Celery, option: str) -> None:
    chain(created(client), sold(client, **{option: HARMLESS[option]})).apply_async()
    created(client, link=sold(client, **{option: HARMLESS[option]})).apply_async()
    assert faults_of(client) == [None, None]


@pytest.mark.parametrize("option", HARMFUL)
def test_a_step_that_would_go_elsewhere_or_run_otherwise_is_refused_by_the_options_name(
    client: Celery, option: str
) -> None:
    created(client, link=sold(client, **{option: HARMFUL[option]})).apply_async()
    [fault] = faults_of(client)
    assert fault
    assert fault.startswith("embed.callbacks.0.options")
    assert option in fault
