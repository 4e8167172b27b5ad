"""Every user of the broker at every exchange, key and queue of it."""

import json
from collections.abc import Iterator

import amqp
import pytest

from stack.servers.rabbitmq import TOPOLOGY, USER, RabbitMQ
from tests.support.broker_users import channel_as, fresh_node

SERVICES = ("listings", "transactions")
WORKERS = (*SERVICES, "notifications", "webhooks")
USERS = (*WORKERS, "flower", "listener")
MADE = json.loads(TOPOLOGY.read_text())
EXCHANGES = [exchange["name"] for exchange in MADE["exchanges"]]
QUEUES = [queue["name"] for queue in MADE["queues"]]
LEVELS = [name for name in QUEUES if name.startswith("celery_delayed_")]

COMMANDS = {("microstore.tasks", f"task.{queue}") for queue in WORKERS}
DELAY = "0." * 27 + "1."
LATER = {(exchange, f"{DELAY}task.{queue}") for exchange in LEVELS for queue in WORKERS}
WAITED = {("celery_delayed_delivery", f"{DELAY}task.{queue}") for queue in WORKERS}
FACTS = {("microstore.events", f"order.{what}") for what in ("created", "completed", "rejected", "cancelled")}
PAYOUTS = {("microstore.events", f"payout.{what}") for what in ("prepared", "paid", "failed")}
DEAD = {("microstore.dead", f"dead.{service}") for service in SERVICES}
CONTROL = {("celery.pidbox", "")}
EVENTS = {("celeryev", "worker.heartbeat"), ("celeryev", "task.received")}
DIRECTLY = {("", queue) for queue in QUEUES}
EVERYTHING = COMMANDS | LATER | WAITED | FACTS | PAYOUTS | DEAD | CONTROL | EVENTS | DIRECTLY


def commands(*queues: str) -> set[tuple[str, str]]:
    return {("microstore.tasks", f"task.{queue}") for queue in queues}


def later(queue: str) -> set[tuple[str, str]]:
    """The retry of a queue's commands; the other levels of delayed delivery are the broker's own business."""
    return {("celery_delayed_27", f"{DELAY}task.{queue}")}


MAY_PUBLISH = {
    "listings": COMMANDS | later("listings") | FACTS | EVENTS,
    "transactions": commands("listings", "transactions")
    | {("microstore.events", "order.rejected")}
    | PAYOUTS
    | later("transactions")
    | EVENTS,
    "notifications": commands("notifications") | later("notifications") | EVENTS,
    "webhooks": commands("webhooks") | later("webhooks") | EVENTS,
    "flower": CONTROL,
    "listener": set(),
}
MAY_READ = {
    "listings": {"listings", "listings.dead", "notifications", "webhooks"},
    "transactions": {"transactions", "transactions.dead"},
    "notifications": {"notifications"},
    "webhooks": {"webhooks"},
    "flower": set(),
    "listener": set(),
}
MAY_DECLARE = MAY_READ | {"notifications": set(), "webhooks": set()}
# Where the owner of a queue may bind it again after somebody has deleted it.
BINDINGS = {
    queue: {
        (binding["source"], binding["routing_key"])
        for binding in MADE["bindings"]
        if binding["destination"] == queue
    }
    for queue in QUEUES
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A node as it starts, with all of its definitions, and Celery's exchange for remote control."""
    with fresh_node(tmp_path_factory.mktemp("rights")) as node:
        with channel_as(USER, node) as channel:
            channel.exchange_declare("celery.pidbox", "fanout", durable=False, auto_delete=False)
        yield node


def publishes(user: str, broker: RabbitMQ, exchange: str, key: str) -> bool:
    with channel_as(user, broker) as channel:
        try:
            channel.basic_publish(amqp.Message("{}"), exchange, key)
        except amqp.AccessRefused:
            return False
    return True


@pytest.mark.parametrize("user", USERS)
def test_a_user_publishes_what_it_has_to_and_nothing_else(user: str, broker: RabbitMQ) -> None:
    assert {where for where in EVERYTHING if publishes(user, broker, *where)} == MAY_PUBLISH[user]


@pytest.mark.parametrize("user", USERS)
def test_a_user_reads_its_own_queues_and_no_others(user: str, broker: RabbitMQ) -> None:
    read = set()
    for queue in QUEUES:
        with channel_as(user, broker) as channel:
            try:
                channel.basic_get(queue)
                read.add(queue)
            except amqp.AccessRefused:
                pass
    assert read == MAY_READ[user]


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("name", ["spy", "amq.gen-spy", *QUEUES[:5], *LEVELS])
def test_a_user_declares_its_own_queues_and_no_others(user: str, name: str, broker: RabbitMQ) -> None:
    [arguments] = [queue["arguments"] for queue in MADE["queues"] if queue["name"] == name] or [{}]
    with channel_as(user, broker) as channel:
        if name in MAY_DECLARE[user]:
            channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
        else:
            with pytest.raises(amqp.AccessRefused):
                channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)


@pytest.mark.parametrize("user", USERS)
def test_a_user_deletes_nobody_elses_queue(user: str, broker: RabbitMQ) -> None:
    for queue in set(QUEUES) - MAY_DECLARE[user]:
        with channel_as(user, broker) as channel, pytest.raises(amqp.AccessRefused):
            channel.queue_delete(queue)


@pytest.mark.parametrize("user", USERS)
def test_a_user_declares_and_deletes_no_exchange(user: str, broker: RabbitMQ) -> None:
    for exchange in (*EXCHANGES, "spy"):
        with channel_as(user, broker) as channel, pytest.raises(amqp.AccessRefused):
            channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
        with channel_as(user, broker) as channel, pytest.raises(amqp.AccessRefused):
            channel.exchange_delete(exchange)


@pytest.mark.parametrize("user", SERVICES)
def test_an_owner_binds_its_queue_to_what_it_receives_and_to_nothing_else(
    user: str, broker: RabbitMQ
) -> None:
    sources = {(source, key) for bindings in BINDINGS.values() for source, key in bindings}
    for queue in MAY_DECLARE[user]:
        own = {bound for other in MAY_DECLARE[user] for bound in BINDINGS[other]}
        for source, key in sources | {("microstore.tasks", "#"), ("microstore.events", "#")}:
            with channel_as(user, broker) as channel:
                if (source, key) in BINDINGS[queue]:
                    channel.queue_bind(queue, source, key)
                elif (source, key) not in own:
                    with pytest.raises(amqp.AccessRefused):
                        channel.queue_bind(queue, source, key)


def test_a_listeners_user_forges_no_command_by_dead_lettering(broker: RabbitMQ) -> None:
    """Whoever may declare a queue chooses the key of its dead letters, and no right is compared with that."""
    forging = {"x-dead-letter-exchange": "microstore.tasks", "x-dead-letter-routing-key": "task.listings"}
    for name in ("notifications", "notifications@host.celery.pidbox", "spy"):
        with channel_as("notifications", broker) as channel, pytest.raises(amqp.AccessRefused):
            channel.queue_declare(name, auto_delete=True, arguments=forging | {"x-message-ttl": 0})
    with channel_as("listener", broker) as channel, pytest.raises(amqp.AccessRefused):
        channel.queue_declare("listener.spy", auto_delete=True, arguments=forging)


@pytest.mark.parametrize("user", WORKERS)
def test_a_service_makes_a_mailbox_for_remote_control_and_opens_no_other(user: str, broker: RabbitMQ) -> None:
    for owner in WORKERS:
        with channel_as(user, broker) as channel:
            if user == owner and user in SERVICES:
                channel.queue_declare(f"{user}@host.celery.pidbox", auto_delete=True)
                channel.queue_bind(f"{user}@host.celery.pidbox", "celery.pidbox")
            else:
                with pytest.raises(amqp.AccessRefused):
                    channel.queue_declare(f"{owner}@host.celery.pidbox", auto_delete=True)
