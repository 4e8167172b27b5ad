"""Celery with confirmed publishes, whose workers neither lose a message nor exit on one."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from celery import current_app
from celery.app.amqp import AMQP
from celery.worker import request, state
from celery.worker.consumer import Consumer
from django.db import connection
from kombu import pools
from kombu.asynchronous import get_event_loop
from kombu.exceptions import OperationalError
from kombu.message import Message
from kombu.transport.native_delayed_delivery import (
    MAX_LEVEL,
    calculate_routing_key,
    level_name,
)

from microstore.messaging.dead_letters import store
from microstore.messaging.receiving.amqp_properties import has_false_deaths
from microstore.messaging.receiving.message_schema import REFUSED, find_fault
from microstore.messaging.receiving.routing_key import find_foreign_key
from microstore.messaging.topology import TASKS, is_amqp

log = structlog.get_logger(__name__)

LONGEST_HOLD = 6  # 64 seconds
FALSE_DEATHS = "x-death: not written by RabbitMQ"
NAME_CHARACTERS, HEADERS_CHARACTERS = 255, 10_000  # of what is kept of headers that are sent on as text

# A message that has waited comes from one of these: the level after its last, or the exchange after them all.
DELAYED_DELIVERY = "celery_delayed_"


class ConfirmingAMQP(AMQP):
    """Confirms and time limits for published tasks only.

    Set in `broker_transport_options` they would also bind the worker's own heartbeat events, and a
    frozen broker would go unnoticed.
    """

    _producer_pool: Any = None

    @property
    def producer_pool(self) -> Any:
        """Pool of producers through which `apply_async` and chains publish."""
        if self._producer_pool is None:
            options = {"confirm_publish": True, "read_timeout": 10, "write_timeout": 10}
            connection = self.app.connection_for_write(transport_options=options if is_amqp() else None)
            self._producer_pool = pools.producers[connection]
            # Touching app.pool also makes Celery renew the pool in each forked child.
            self._producer_pool.limit = self.app.pool.limit
        return self._producer_pool

    publisher_pool = producer_pool

    def _create_task_sender(self) -> Callable[..., Any]:
        # The broker confirms what it could not route: without `mandatory` that would be lost.
        send = super()._create_task_sender()

        def send_mandatory(*args: Any, mandatory: bool = True, **options: Any) -> Any:
            return send(*args, mandatory=mandatory, **options)

        return send_mandatory


def _forget_eta_of_what_has_waited(message: Message) -> None:
    # Another host's clock wrote it, and may be days ahead of ours.
    has_waited = str(message.delivery_info.get("exchange")).startswith(DELAYED_DELIVERY)
    if has_waited and isinstance(message.headers, dict):
        message.headers["eta"] = None


class Request(request.Request):
    """A message that goes back to its queue when the broker does not take its callback.

    To Celery that is a task that failed, and would become a dead letter, though nothing is wrong with it.
    """

    def __init__(self, message: Message, **options: Any) -> None:
        if current_app.conf.worker_pool == "solo":
            # `find_fault` has read the body; only a child process has to read it once more.
            options |= {"body": message.payload, "decoded": True}
        super().__init__(message, **options)

    def on_failure(self, exc_info: Any, *args: Any, **options: Any) -> Any:
        # Called where the task has raised, and where its callback could not be published.
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if not isinstance(error, OperationalError):
            return super().on_failure(exc_info, *args, **options)
        seconds = hold_seconds(self.message.headers)
        log.warning("callback_not_taken", error=repr(error), seconds=seconds)
        state.task_ready(self)
        hub = get_event_loop()
        # Held until then, so that a worker whose callbacks nobody takes stops taking messages.
        return hub.call_later(seconds, self.reject, True) if hub else self.reject(requeue=True)


def hold_seconds(headers: Mapping[str, Any]) -> int:
    """Return how long to hold a message before it goes back: 1, 2, 4 … 64 seconds.

    Each time counts as a delivery, and the twentieth is the last: at once they would be over in a minute.
    """
    deliveries = headers.get("x-delivery-count")
    return 2 ** min(deliveries, LONGEST_HOLD) if type(deliveries) is int and deliveries > 0 else 1


class WorkerBlueprint(Consumer.Blueprint):
    # DelayedDelivery declares the queues of delayed messages. A relay does it: a worker may declare nothing.
    default_steps = [
        step
        for step in Consumer.Blueprint.default_steps
        if not step.endswith((":DelayedDelivery", ":Control"))
    ] + ["microstore.messaging.receiving.remote_control:ReadingControl"]


class DeadLetteringConsumer(Consumer):
    """Rejects messages that Celery cannot read, which stock Celery loses or exits on."""

    Blueprint = WorkerBlueprint

    def on_decode_error(self, message: Message, exc: Exception) -> None:
        self._reject(message, repr(exc))

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Message], Any]:
        handle = super().create_task_handler(*args, **kwargs)
        connection_lost = self.connection_errors + self.channel_errors

        def on_task_received(message: Message) -> Any:
            try:
                if is_amqp() and has_false_deaths(message.headers):
                    return self._reject(message, FALSE_DEATHS)
                _forget_eta_of_what_has_waited(message)
                fault = find_fault(message) or self._find_foreign(message)
                if fault:
                    return self._reject(message, fault)
                return None if self._delay(message) else handle(message)
            except connection_lost:
                raise
            except Exception as error:  # noqa: BLE001  # anything else is the message's fault
                return self._reject(message, repr(error))

        return on_task_received

    def _find_foreign(self, message: Message) -> str | None:
        # Celery rejects a task that it does not know, which on Redis is to discard it.
        task = message.headers["task"]
        if task not in self.app.tasks:
            return f"task: {task} is run by another service"
        return find_foreign_key(task, message.delivery_info) if is_amqp() else None

    def _delay(self, message: Message) -> bool:
        """Put a message with an `eta` to come into the broker's delayed delivery; return whether it was put.

        Celery would hold it in memory, where a few such messages use up the prefetch and stop the queue.
        """
        eta, delivery = message.headers.get("eta"), message.delivery_info
        if not eta or not is_amqp():
            return False
        seconds = int((datetime.fromisoformat(eta) - datetime.now(UTC)).total_seconds())
        # A fact is about what has happened, and needs no delay.
        if seconds < 1 or not delivery["routing_key"].startswith("task."):
            message.headers["eta"] = None
            return False
        key = calculate_routing_key(seconds, delivery["routing_key"])
        self._send_on(message, exchange=level_name(MAX_LEVEL), routing_key=key, headers=message.headers)
        return True

    def _send_refused(self, message: Message) -> None:
        """Put the message into its queue once more, with headers that the broker can dead-letter.

        They say that it is refused, so that it is never handled: not by the key of its first publish, either.
        """
        headers = message.headers
        known = {name: str(headers.get(name, ""))[:NAME_CHARACTERS] for name in ("task", "id")}
        refused = {REFUSED: FALSE_DEATHS, "headers": ascii(headers)[:HEADERS_CHARACTERS]}
        queue = min(self.app.amqp.queues.consume_from)
        self._send_on(message, exchange=TASKS.name, routing_key=f"task.{queue}", headers=known | refused)

    def _send_on(self, message: Message, *, exchange: str, routing_key: str, headers: dict[str, Any]) -> None:
        try:
            with self.app.producer_or_acquire() as producer:
                producer.publish(
                    message.body,
                    exchange=exchange,
                    routing_key=routing_key,
                    headers=headers,
                    content_type=message.content_type or "application/data",  # without one kombu writes JSON
                    content_encoding=message.content_encoding,
                    correlation_id=message.properties.get("correlation_id"),
                    delivery_mode=2,
                    mandatory=True,
                    retry=False,
                    declare=[],
                )
        except Exception as error:  # noqa: BLE001  # the broker is away, or refuses it for now
            log.warning("not_sent_on", routing_key=routing_key, error=repr(error))
            message.requeue()
        else:
            # After the confirm: a process that dies in between sends it twice, and handlers are idempotent.
            message.ack()

    def _reject(self, message: Message, why: str) -> None:
        log.error("message_rejected", why=why, headers=str(message.headers)[:500])
        if message.acknowledged:
            return
        if not is_amqp():
            self._store(message)
        elif has_false_deaths(message.headers):
            self._send_refused(message)
        else:
            message.reject_log_error(log, self.connection_errors, requeue=False)

    def _store(self, message: Message) -> None:
        """Store the message as a dead letter: Redis has no dead-letter exchange, and a reject discards it."""
        written = {"content_type": message.content_type, "content_encoding": message.content_encoding}
        try:
            properties = message.properties | written | {"application_headers": message.headers}
            store.dead_letter_unread(message.body, properties)
        except Exception as error:  # noqa: BLE001  # it must not be lost
            log.error("dead_letter_not_stored", error=repr(error))
            message.requeue()
        else:
            message.ack()
        finally:
            # Children that are forked from now on must not share this process's connection.
            connection.close()
