"""Messages come more than once, late, and in another order; processes come in numbers."""

import random

from kombu import Connection, Producer, Queue

from stack.processes.stack import Stack
from tests.support.copies import PREFIX, copies, drain
from tests.support.market import Market
from tests.support.rush import rush


def deliver_copies(connection: Connection, queues: list[Queue], *, times: int) -> int:
    """Publish every copy again so many times, shuffled; returns how many were published."""
    copied = [
        (queue.name.removeprefix(PREFIX), message) for queue in queues for message in drain(connection, queue)
    ]
    messages = copied * times
    random.shuffle(messages)
    producer = Producer(connection.default_channel, auto_declare=False)
    for copied_to, message in messages:
        producer.publish(
            message.body,
            exchange="",
            routing_key=copied_to.removeprefix(PREFIX),
            headers=message.headers,
            content_type=message.content_type,
            content_encoding=message.content_encoding,
            correlation_id=message.properties["correlation_id"],
        )
    return len(messages)


def test_every_message_delivered_three_times_in_another_order(market: Market) -> None:
    connection, queues = copies(market)
    with connection, rush(market, "every message delivered three times, shuffled") as hour:
        hour.wait_for_purchases(100)
        assert deliver_copies(connection, queues, times=2) > 10


def test_messages_of_yesterday_change_nothing(market: Market) -> None:
    connection, queues = copies(market)
    with connection:
        with rush(market, "a day's messages, before their replay") as yesterday:
            yesterday.wait_for_purchases(100)
        with rush(market, "messages of yesterday replayed"):
            deliver_copies(connection, queues, times=1)
        orders = list(yesterday.accepted)
        assert market.wait_settled(orders) == {"completed": len(orders)}
        assert sorted(market.transactions_of(orders)) == sorted(orders)


def test_two_relays_and_three_workers_of_each_kind_at_once(market: Market) -> None:
    commands = {}
    for number in (2, 3):
        for service in ("listings", "transactions"):
            command = market.stack.commands[f"{service}-worker"]
            commands[f"{service}{number}-worker"] = f"{command} --name {service}{number}"
    commands["listings2-relay"] = market.stack.commands["listings-relay"]
    more = Stack(commands, environment=market.stack.environment, folder=market.stack.logs.parent / "more")
    try:
        more.start_all()
        more.wait_all_ready()
        with rush(market, "two relays and three workers of each kind at once") as hour:
            hour.wait_for_purchases(300)
    finally:
        more.stop_all()
