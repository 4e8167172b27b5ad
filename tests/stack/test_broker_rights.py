"""Every user of the broker at every exchange, key and queue of it."""

import json
from collections.abc import Iterator
from itertools import product

import amqp
import pytest

from stack.servers.rabbitmq import TOPOLOGY, USER, RabbitMQ
from tests.support.broker_users import channel_as, fresh_node

SERVICES = ("listings", "transactions")
WORKERS = (*SERVICES, "notifications", "webhooks")
CONTROLS = tuple(f"{service}_control" for service in SERVICES)  # of remote control, and of nothing else
USERS = (*WORKERS, *CONTROLS, "flower", "listener")
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
    **{user: set() for user in CONTROLS},
}
MAY_READ = {
    "listings": {"listings", "listings.dead", "notifications", "webhooks"},
    "transactions": {"transactions", "transactions.dead"},
    "notifications": {"notifications"},
    "webhooks": {"webhooks"},
    "flower": set(),
    "listener": set(),
    **{user: set() for user in CONTROLS},
}
# What a user may make, if anything: mailboxes and copies of its own.
NAMES = (
    *QUEUES[:6],
    *(f"{service}@host.celery.pidbox" for service in WORKERS),
    *("celery.pidbox", "reply.celery.pidbox", "0a.reply.celery.pidbox", "celeryev.0a", "listener.spy"),
    *("celery_delayed_27", "spy", "amq.gen-spy"),
)
OURS = ("microstore.tasks", "microstore.events", "microstore.dead", "celeryev", "celery.pidbox", "")
NOT_MADE = (amqp.AccessRefused, amqp.PreconditionFailed)  # or it exists, and stays as it is
FORWARDS = (*OURS, "celery_delayed_27", "celery_delayed_delivery")


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
def test_no_user_declares_or_deletes_a_queue_of_ours(user: str, broker: RabbitMQ) -> None:
    for queue in MADE["queues"]:
        with channel_as(user, broker) as channel, pytest.raises(amqp.AccessRefused):
            channel.queue_declare(
                queue["name"], durable=True, auto_delete=False, arguments=queue["arguments"]
            )
        with channel_as(user, broker) as channel, pytest.raises(amqp.AccessRefused):
            channel.queue_delete(queue["name"])


@pytest.mark.parametrize("user", USERS)
def test_a_user_declares_and_deletes_no_exchange(user: str, broker: RabbitMQ) -> None:
    for exchange in (*EXCHANGES, "spy"):
        with channel_as(user, broker) as channel, pytest.raises(amqp.AccessRefused):
            channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
        with channel_as(user, broker) as channel, pytest.raises(amqp.AccessRefused):
            channel.exchange_delete(exchange)


@pytest.mark.parametrize("user", USERS)
def test_a_user_binds_no_queue_of_ours(user: str, broker: RabbitMQ) -> None:
    sources = {(binding["source"], binding["routing_key"]) for binding in MADE["bindings"][:20]}
    for source, key in sources | {("microstore.tasks", "#"), ("microstore.events", "#")}:
        for queue in QUEUES[:6]:
            with channel_as(user, broker) as channel, pytest.raises(amqp.AccessRefused):
                channel.queue_bind(queue, source, key)


def bind_one_of_its_own(channel: amqp.Channel, name: str, exchange: str) -> None:
    channel.exchange_declare(name, "fanout", auto_delete=False)
    channel.exchange_bind(exchange, name, "#")


@pytest.mark.parametrize(
    ("user", "exchange"), [case for case in product(USERS, FORWARDS) if case != ("flower", "celery.pidbox")]
)
def test_a_user_makes_nothing_that_forwards_to_an_exchange_of_ours(
    user: str, exchange: str, broker: RabbitMQ
) -> None:
    """What a queue dead-letters, or an exchange passes on, has a key that no topic right is compared with."""
    forged = {"x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": "order.completed"}
    for name in NAMES:
        with channel_as(user, broker) as channel, pytest.raises(NOT_MADE):
            channel.queue_declare(name, auto_delete=True, arguments=forged | {"x-message-ttl": 0})
        with channel_as(user, broker) as channel, pytest.raises(NOT_MADE):
            channel.exchange_declare(
                name, "fanout", auto_delete=False, arguments={"alternate-exchange": exchange}
            )
        with channel_as(user, broker) as channel, pytest.raises(NOT_MADE):
            bind_one_of_its_own(channel, name, exchange)
    for source in EXCHANGES:
        with channel_as(user, broker) as channel, pytest.raises(NOT_MADE):
            channel.exchange_bind(exchange, source, "task.transactions")


@pytest.mark.parametrize("user", USERS)
def test_remote_control_opens_the_mailboxes_of_its_own_service_and_no_others(
    user: str, broker: RabbitMQ
) -> None:
    for owner in WORKERS:
        mailbox = f"{owner}@host.celery.pidbox"
        with channel_as(user, broker) as channel:
            if user == f"{owner}_control":
                channel.queue_declare(mailbox, auto_delete=True)
                channel.queue_bind(mailbox, "celery.pidbox")
                channel.basic_consume(mailbox, no_ack=True)
            else:
                with pytest.raises(amqp.AccessRefused):
                    channel.queue_declare(mailbox, auto_delete=True)
