"""The relay publishes what is due, deletes what the broker has confirmed, and keeps the rest."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import timezone
from kombu import Connection, Queue
from pytest_django import DjangoAssertNumQueries, Settings

from microstore.celery import app
from microstore.contracts.contract import to_wire
from microstore.contracts.registry import CONTRACTS, SERVICES
from microstore.contracts.transactions import ORDER_CREATED
from microstore.database.clock import make_future_due
from microstore.messaging import topology
from microstore.messaging.dead_letters import store
from microstore.messaging.models import OutboxMessage
from microstore.messaging.sending import outbox, relay
from microstore.messaging.sending import publisher as publishing
from microstore.messaging.sending.publisher import Batch, Publisher
from microstore.messaging.sending.relay import Relay
from stack.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
Received = Callable[[str], list[Any]]


@pytest.fixture
def working() -> Iterator[Relay]:
    """A relay on the real broker, which each test makes work."""
    relay = Relay(app)
    yield relay
    relay.close()


def send_orders(armchair: dict[str, Any], count: int) -> set[str]:
    """So many orders in the outbox; returns their ids."""
    ids = {str(uuid4()) for _ in range(count)}
    with transaction.atomic():
        for order_id in ids:
            outbox.send(ORDER_CREATED, **armchair | {"order_id": order_id})
    return ids


def order_ids(bodies: list[Any]) -> list[str]:
    """The order ids in task bodies `[[events], kwargs, embed]`."""
    return [event["order_id"] for args, _, _ in bodies for event in args[0]]


def test_a_message_goes_out_as_a_celery_task_with_its_callback_chained(
    armchair: dict[str, Any], working: Relay, received: Received
) -> None:
    ids = send_orders(armchair, 1)
    assert working.publish_due() == 1
    [body] = received("transactions")
    assert order_ids([body]) == list(ids)
    assert [step["task"] for step in body[2]["chain"]] == ["listings.item_sold"]
    assert not OutboxMessage.objects.exists()


def test_many_messages_share_envelopes(
    armchair: dict[str, Any], working: Relay, received: Received, settings: Settings
) -> None:
    settings.OUTBOX_BATCH = 50
    ids = send_orders(armchair, 120)
    assert working.publish_due() == 120
    bodies = received("transactions")
    assert sorted(len(args[0]) for args, _, _ in bodies) == [20, 50, 50]
    assert sorted(order_ids(bodies)) == sorted(ids)


def test_the_fact_is_told_to_whoever_binds_a_queue(
    armchair: dict[str, Any], working: Relay, broker: Connection, received: Received
) -> None:
    listener = Queue("listener", topology.EVENTS, routing_key="order.*", exclusive=True)
    listener(broker.default_channel).declare()
    ids = send_orders(armchair, 3)
    working.publish_due()
    [body] = received("listener")
    assert sorted(order_ids([body])) == sorted(ids)
    assert not body[2]["chain"], "a fact with a chain would run the callback once per listener"


def test_what_is_not_due_stays(armchair: dict[str, Any], working: Relay, broker: Connection) -> None:
    send_orders(armchair, 1)
    OutboxMessage.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert not relay.is_due(relay.due_sql())
    assert working.publish_due() == 0
    assert OutboxMessage.objects.count() == 1


def test_what_a_clock_that_was_ahead_has_stored_is_due(
    armchair: dict[str, Any], working: Relay, broker: Connection
) -> None:
    send_orders(armchair, 2)
    ahead = timezone.now() + timedelta(minutes=5)
    OutboxMessage.objects.update(created_at=ahead, due_at=ahead)
    replayed = OutboxMessage.objects.latest("id")
    OutboxMessage.objects.filter(pk=replayed.pk).update(created_at=timezone.now())
    assert make_future_due(OutboxMessage.objects.all()) == 1
    assert working.publish_due() == 1
    assert OutboxMessage.objects.get() == replayed, "it is spaced by a replay"


def test_a_message_that_reaches_no_queue_stays_and_does_not_hold_up_others(
    armchair: dict[str, Any], working: Relay, broker: Connection
) -> None:
    send_orders(armchair, 2)
    broker.default_channel.queue_unbind("transactions", topology.TASKS.name, "task.transactions")
    broker.default_channel.queue_unbind("transactions", topology.TASKS.name, "#.task.transactions")
    working.publish_due()
    rows = OutboxMessage.objects.all()
    assert [row.attempts for row in rows] == [1, 1]
    # Not later than now: on a busy machine the second has passed.
    assert all(row.due_at - row.created_at >= timedelta(seconds=1) for row in rows)
    topology.declare(broker, SERVICES)
    OutboxMessage.objects.update(due_at=timezone.now())
    working.publish_due()
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"contract": "order_of_the_next_release"}, {"payload": {}}, {"payload": {"order_id": "none"}}],
    ids=["no contract", "nothing in it", "no field of the right kind"],
)
def test_a_row_that_fits_no_contract_is_not_published_and_does_not_hold_up_others(
    armchair: dict[str, Any], working: Relay, received: Received, wrong: dict[str, Any]
) -> None:
    OutboxMessage.objects.create(**{"contract": ORDER_CREATED.name, "payload": {}} | wrong)
    ids = send_orders(armchair, 2)
    assert working.publish_due() == 3
    assert sorted(order_ids(received("transactions"))) == sorted(ids)
    waiting = OutboxMessage.objects.get()
    assert waiting.attempts == 1
    assert waiting.due_at - waiting.created_at >= timedelta(seconds=1)


def test_a_queue_that_refuses_keeps_its_messages_in_the_outbox(
    armchair: dict[str, Any], working: Relay, broker: Connection
) -> None:
    """The confirm of a refusal is a nack; another batch of the same batch is confirmed all the same."""
    full = Queue(
        "full",
        topology.TASKS,
        routing_key="task.transactions",
        exclusive=True,
        queue_arguments={"x-max-length": 0, "x-overflow": "reject-publish"},
    )
    full(broker.default_channel).declare()
    payload = ORDER_CREATED(**armchair).model_dump(mode="json")
    batch = Batch(ORDER_CREATED, [payload], [1])
    working.publisher.publish([batch])
    assert batch.refusals == ["refused by the broker"]


def test_two_relays_at_once_send_each_message_once(armchair: dict[str, Any], received: Received) -> None:
    ids = send_orders(armchair, 1_200)
    start = threading.Barrier(2)

    def work() -> None:
        working = Relay(app)
        start.wait()
        while OutboxMessage.objects.exists():
            working.publish_due()
        working.close()
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(order_ids(received("transactions"))) == sorted(ids)
    assert not OutboxMessage.objects.exists()


def test_an_idle_relay_asks_one_small_question(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    sql = relay.due_sql()
    with django_assert_num_queries(1):
        assert not relay.is_due(sql)


def test_publishing_a_batch_takes_a_claim_and_a_delete(
    armchair: dict[str, Any],
    working: Relay,
    broker: Connection,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    send_orders(armchair, 100)
    with django_assert_num_queries(2 + 2):  # and BEGIN, COMMIT
        working.publish_due()
    assert connection.in_atomic_block is False


@contextmanager
def sleepy_relay(armchair: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A relay that works in a thread and would sleep for a minute."""
    monkeypatch.setattr(relay, "COLLECT_EVERY_SECONDS", 60)
    sleeper = Relay(app)

    def work() -> None:
        sleeper.run()
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        sleeper.stopping.set()
        send_orders(armchair, 1)
        thread.join()


def test_a_sleeping_relay_is_woken_by_the_commit(
    armchair: dict[str, Any], broker: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message is slept over: each is published although the relay would sleep for a minute."""
    with sleepy_relay(armchair, monkeypatch):
        for _ in range(20):
            send_orders(armchair, 1)
            assert wait_until(lambda: not OutboxMessage.objects.exists(), timeout_seconds=30)


def test_a_relay_whose_database_goes_away_while_it_sleeps_goes_on(
    armchair: dict[str, Any], broker: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def terminate_sleeper() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            return cursor.fetchone() is not None

    with sleepy_relay(armchair, monkeypatch):
        assert wait_until(terminate_sleeper, timeout_seconds=30)
        send_orders(armchair, 1)
        assert wait_until(lambda: not OutboxMessage.objects.exists(), timeout_seconds=30)


def test_a_fault_in_collecting_letters_does_not_hold_up_the_outbox(
    armchair: dict[str, Any], broker: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Connection) -> int:
        raise ValueError("a letter that nobody thought of")

    monkeypatch.setattr(store, "collect", fail)
    working = Relay(app)
    send_orders(armchair, 1)
    assert working.step()
    working.close()
    assert not OutboxMessage.objects.exists()


def test_a_right_that_is_missing_holds_up_no_other_message(
    armchair: dict[str, Any], broker: Connection, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RabbitMQ closes the channel on which it refuses a message, with all that was published on it."""
    url = re.sub(r"//\w+:", "//transactions:", settings.BROKER_URL)
    monkeypatch.setattr(publishing, "open_connection", lambda _: Connection(url))
    payload = to_wire(ORDER_CREATED(**armchair))
    foreign = CONTRACTS["notifications.heard_order_created"]
    refused, sent = Batch(foreign, [payload]), Batch(ORDER_CREATED, [payload], with_fact=False)
    publisher = Publisher(app)
    publisher.publish([refused, sent])
    publisher.close()
    assert "ACCESS_REFUSED" in refused.refusals[0]
    assert sent.refusals == []
    assert order_ids(received("transactions")) == [armchair["order_id"]]
    assert received("notifications") == []


def test_a_command_that_is_replayed_is_sent_without_its_fact(
    armchair: dict[str, Any], working: Relay, received: Received
) -> None:
    """Its sender has published the fact, and the service that replays may not."""
    with transaction.atomic():
        outbox.send_command_again(ORDER_CREATED, ORDER_CREATED(**armchair))
    assert working.publish_due() == 1
    assert order_ids(received("transactions")) == [armchair["order_id"]]
    assert received("notifications") == []
