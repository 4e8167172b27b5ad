"""A stock Celery app sends each canvas to us; a worker consumes its own queues and no others."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery, chain, group
from django.conf import settings
from kombu import Connection, Queue
from kombu.transport.native_delayed_delivery import MAX_LEVEL, calculate_routing_key, level_name

from microstore.contracts.contract import Contract, Id, Message, Quantity
from microstore.messaging.topology import TASKS
from stack.waiting import wait_until
from tests.microstore.conftest import TRACE
from tests.support.bakery import baked, bakery, letters, run, running

CONTRACTS = """
from microstore.contracts.contract import Contract, Id, Message, Quantity
from microstore.contracts.registration import Registry


class Bread(Message):
    customer_id: Id
    loaves: Quantity


BREAD_BAKED = Contract("bread_baked", Bread, to="bakery")
BREAD_ORDERED = Contract("bread_ordered", Bread, to="bakery", reply=BREAD_BAKED)
FLOUR_ORDERED = Contract("flour_ordered", Bread, to="mill")
REGISTRY = Registry([BREAD_ORDERED, BREAD_BAKED, FLOUR_ORDERED])
"""
TASKS_OF_THE_BAKERY = """
from uuid import uuid5
from bakery.contracts import BREAD_BAKED, BREAD_ORDERED
from bakery.models import Baked
from microstore.messaging.receiving.consumer import handles


def note(events):
    rows = [Baked(event_id=event.event_id, loaves=event.loaves) for event in events]
    Baked.objects.bulk_create(rows, ignore_conflicts=True)


@handles(BREAD_ORDERED)
def bread_ordered(events):
    note(events)
    fields = [event.model_dump() for event in events]
    return [
        BREAD_BAKED(**each | {"loaves": each["loaves"] + 100, "event_id": uuid5(each["event_id"], "baked")})
        for each in fields
    ]


@handles(BREAD_BAKED)
def bread_baked(events):
    note(events)
    return []
"""
ORDERED, BAKED = "bakery.bread_ordered", "bakery.bread_baked"


class Bread(Message):
    customer_id: Id
    loaves: Quantity


BREAD_BAKED = Contract("bread_baked", Bread, to="bakery")
BREAD_ORDERED = Contract("bread_ordered", Bread, to="bakery", reply=BREAD_BAKED)


@pytest.fixture
def stranger() -> Iterator[Celery]:
    """A client as Celery's first steps make one, but for the way to our exchange."""
    app = Celery("stranger", broker=settings.BROKER_URL, set_as_current=False)
    route = {"exchange": "microstore.tasks", "exchange_type": "topic", "routing_key": "task.bakery"}
    app.conf.task_routes = {"bakery.*": route}
    yield app
    app.close()


def batch(loaves: int) -> list[dict[str, Any]]:
    fields = {"customer_id": 7, "loaves": loaves, "trace": TRACE}
    now = datetime.now(UTC).isoformat()
    return [{"event_id": str(uuid4()), "occurred_at": now, **fields}]


@contextmanager
def waiting_for_the_mill(folder: Path) -> Iterator[None]:
    """A message in another service's queue, which has to be there still at the end."""
    queue = Queue("mill", TASKS, routing_key="task.mill", queue_arguments={"x-queue-type": "quorum"})
    with Connection(settings.BROKER_URL, transport_options={"confirm_publish": True}) as broker:
        bound = queue(broker.default_channel)
        bound.declare()
        broker.Producer().publish({}, exchange="microstore.tasks", routing_key="task.mill", mandatory=True)
        yield
        assert bound.queue_declare(passive=True).message_count == 1


@pytest.mark.timeout(240)
def test_each_canvas_of_a_stock_client_has_its_effect_and_what_harms_is_dead_lettered_by_its_rule(
    tmp_path: Path, stranger: Celery
) -> None:
    changes = {"contracts": CONTRACTS, "tasks": TASKS_OF_THE_BAKERY}
    with bakery(tmp_path, **changes) as folder:
        run(folder, "manage.py", "migrate", "--run-syncdb", "--verbosity", "0")
        run(
            folder,
            "-c",
            "import django; django.setup(); from bakery.celery import app;"
            " from microstore.messaging import topology;"
            " topology.declare(app.connection_for_write())",
        )
        with (
            waiting_for_the_mill(folder),
            running(folder, "manage.py", "relay"),
            running(folder, "-m", "celery", "-A", "bakery", "worker", "--concurrency", "1"),
        ):
            good = send_all(stranger)
            wanted = sorted([*good, *(loaves + 100 for loaves in good)])
            assert wait_until(lambda: baked(folder) == wanted, timeout_seconds=90), baked(folder)
            harmful = send_harmful(stranger)
            assert wait_until(lambda: len(letters(folder)) == len(harmful), timeout_seconds=60), letters(
                folder
            )
        errors = "\n".join(letters(folder).values())
        assert [rule for rule in harmful if rule not in errors] == [], errors
        assert errors.count("message_schema.py") == len(harmful) - 2
        assert errors.count("routing_key.py") == 2
        assert baked(folder) == wanted


def send_all(app: Celery) -> list[int]:
    """Send each canvas with loaves of its own; return how many each ordered."""
    app.send_task(ORDERED, args=[batch(1)])
    chain(app.signature(ORDERED, args=[batch(2)]), app.signature(BAKED)).apply_async()
    (app.signature(ORDERED, args=[batch(3)]) | app.signature(BAKED)).delay()
    app.send_task(ORDERED, args=[batch(4)], link=app.signature(BAKED))
    app.send_task(ORDERED, args=[batch(5)], link_error=app.signature(BAKED))
    group(app.signature(ORDERED, args=[batch(loaves)]) for loaves in (6, 7)).apply_async()
    app.send_task(ORDERED, args=[batch(8)], countdown=3)
    BREAD_ORDERED.signature(batch(9), app=app).apply_async()
    stamped = app.signature(ORDERED, args=[batch(10)], shadow="the tenth")
    stamped.stamp(customer="7")
    stamped.apply_async()
    # By a clock that is ahead: one that waits on the last level of delayed delivery, one that passes it.
    for loaves, seconds in ((11, 3), (12, 2)):
        way = {"exchange": level_name(MAX_LEVEL), "exchange_type": "topic"}
        key = calculate_routing_key(seconds, "task.bakery")
        ahead = datetime.now(UTC) + timedelta(days=400)
        app.send_task(ORDERED, args=[batch(loaves)], eta=ahead, routing_key=key, **way)
    ways = {"queue": "bakery", "serializer": "pickle", "headers": {"id": 5}, "priority": 3, "time_limit": 9}
    steps = chain(app.signature(ORDERED, args=[batch(13)]), app.signature(BAKED, **ways))
    steps.stamp(customer="7")
    steps.apply_async()
    linked = app.signature(ORDERED, args=[batch(14)], link=[app.signature(BAKED, **ways) for _ in range(2)])
    linked.stamp(customer="7")
    linked.apply_async()
    later = app.signature(BAKED, countdown=2)
    chain(app.signature(ORDERED, args=[batch(15)]), later).apply_async()
    return list(range(1, 16))


def send_harmful(app: Celery) -> list[str]:
    """Send messages that would be lost, held or answered to nobody; return the rules that they break."""
    # First: RabbitMQ 3.10 would dead-letter nothing after them.
    deaths = ([1], [{"queue": "bakery", "reason": "rejected", "count": "often"}])
    for loaves, written in enumerate(deaths, start=26):
        app.send_task(ORDERED, args=[batch(loaves)], headers={"x-death": written}, expires=9)
    app.send_task(ORDERED, args=[batch(20)], expires=3600)
    app.send_task(ORDERED, args=[batch(21)], link=app.signature("stranger.notify"))
    app.send_task(ORDERED, args=[batch(22)], eta=datetime.now(UTC) + timedelta(days=3))
    app.send_task(ORDERED, args=[batch(23)], link=app.signature(BAKED, queue="elsewhere"))
    # Topic rights are compared with the key alone. The broker removes BCC, so nothing else shows it.
    for loaves, header in ((24, "CC"), (25, "BCC")):
        copied = {header: ["task.bakery"]}
        app.send_task(ORDERED, args=[batch(loaves)], routing_key="task.elsewhere", headers=copied)
    elsewhere = "embed.callbacks.0.options: Value error, queue"
    harmed = ["headers.expires", "embed.callbacks.0.task", "headers.eta", elsewhere]
    refused = ["headers.x-death: not written by RabbitMQ"] * len(deaths)
    return [*refused, *harmed, *["routing_key: task.elsewhere"] * 2]


@pytest.mark.timeout(120)
def test_on_redis_a_message_of_another_service_is_stored_and_not_discarded(tmp_path: Path) -> None:
    url = os.environ["CHANNEL_LAYER_URL"].rpartition("/")[0] + "/7"
    with bakery(tmp_path, broker_url=url, contracts=CONTRACTS, tasks=TASKS_OF_THE_BAKERY) as folder:
        run(folder, "manage.py", "migrate", "--run-syncdb", "--verbosity", "0")
        with Connection(url) as broker:
            headers = {"task": "mill.flour_ordered", "id": str(uuid4())}
            body = json.dumps([[batch(30)], {}, {}])
            written = {"content_type": "application/json", "content_encoding": "utf-8"}
            broker.Producer().publish(body, exchange="", routing_key="bakery", headers=headers, **written)
            with running(folder, "-m", "celery", "-A", "bakery", "worker", "--concurrency", "1"):
                assert wait_until(lambda: letters(folder) != {}, timeout_seconds=60)
            broker.default_channel.client.flushdb()
