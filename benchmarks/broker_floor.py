"""Messages through RabbitMQ with the same promises as ours, and nothing else done with them."""

import time
from urllib.parse import urlsplit

import amqp

QUEUE = "benchmark"
WINDOW = 50
PATIENCE_SECONDS = 30


def pass_through(url: str, body: bytes, count: int) -> float:
    """Publish so many, confirmed, to a quorum queue, and acknowledge each; seconds from first to last."""
    connection = _connect(url)
    try:
        return _Passage(connection.channel(), body, count).run()
    finally:
        connection.close()


class _Passage:
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
        started_at = time.monotonic()
        while self.consumed < self.count or self.confirmed < self.count:
            while self.published < self.count and self.published - self.consumed < WINDOW:
                message = amqp.Message(self.body, delivery_mode=2, content_type="application/json")
                self.channel.basic_publish(message, routing_key=QUEUE)
                self.published += 1
            self.channel.connection.drain_events(timeout=PATIENCE_SECONDS)
        seconds = time.monotonic() - started_at
        self.channel.basic_cancel(QUEUE)
        self.channel.queue_delete(QUEUE)
        return seconds

    def _on_confirm(self, tag: int, multiple: bool) -> None:
        # Confirms come in order here: one connection, one queue.
        self.confirmed = tag if multiple else self.confirmed + 1

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
