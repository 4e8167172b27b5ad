"""The cost of RabbitMQ alone: messages published and consumed with the guarantees that the shop needs."""

import time
from urllib.parse import urlsplit

import amqp

QUEUE = "benchmark"
WINDOW = 50
TIMEOUT_SECONDS = 30


def publish_and_consume(url: str, body: bytes, count: int) -> float:
    """Publish and consume `count` messages with confirms through a quorum queue; return the seconds."""
    connection = _connect(url)
    try:
        return _RoundTrip(connection.channel(), body, count).run()
    finally:
        connection.close()


class _RoundTrip:
    def __init__(self, channel: amqp.Channel, body: bytes, count: int) -> None:
        self.channel, self.body, self.count = channel, body, count
        self.published = self.confirmed = self.consumed = 0

    def run(self) -> float:
        self.channel.confirm_select()
        self.channel.events["basic_ack"].add(self._on_confirm)  # type: ignore[attr-defined]  # the stubs lack it
        self.channel.queue_declare(
            QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
        )
        self.channel.basic_qos(0, WINDOW, False)
        self.channel.basic_consume(QUEUE, consumer_tag=QUEUE, callback=self._on_message)
        # As many messages are under way as a worker prefetches, so that no queue builds up.
        started_at = time.monotonic()
        while self.consumed < self.count or self.confirmed < self.count:
            while self.published < self.count and self.published - self.consumed < WINDOW:
                message = amqp.Message(self.body, delivery_mode=2, content_type="application/json")
                self.channel.basic_publish(message, routing_key=QUEUE)
                self.published += 1
            self.channel.connection.drain_events(timeout=TIMEOUT_SECONDS)
        seconds = time.monotonic() - started_at
        self.channel.basic_cancel(QUEUE)
        self.channel.queue_delete(QUEUE)
        return seconds

    def _on_confirm(self, tag: int, multiple: bool) -> None:
        # With one connection and one queue, confirms arrive in the order of publishing.
        self.confirmed = tag if multiple else self.confirmed + 1

    # Acknowledged one by one, as a worker does: a crash redelivers one message and not a window of them.
    def _on_message(self, message: amqp.Message) -> None:
        assert message.delivery_tag is not None
        self.channel.basic_ack(message.delivery_tag)
        self.consumed += 1


def _connect(url: str) -> amqp.Connection:
    parts = urlsplit(url)
    connection = amqp.Connection(
        f"{parts.hostname}:{parts.port}", userid=parts.username or "", password=parts.password or ""
    )
    connection.connect()
    return connection
