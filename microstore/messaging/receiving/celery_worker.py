"""Celery with confirmed publishes, whose workers neither lose a message nor exit on one."""

from collections.abc import Callable
from typing import Any

import structlog
from celery.app.amqp import AMQP
from celery.worker import request, state
from celery.worker.consumer import Consumer
from kombu import pools
from kombu.exceptions import OperationalError
from kombu.message import Message

from microstore.messaging.receiving.message_schema import find_fault
from microstore.messaging.topology import is_amqp

log = structlog.get_logger(__name__)


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


class Request(request.Request):
    """A message that goes back to its queue when the broker does not take its callback.

    To Celery that is a task that failed, and would become a dead letter, though nothing is wrong with it.
    """

    def on_failure(self, exc_info: Any, *args: Any, **options: Any) -> Any:
        # Called where the task has raised, and where its callback could not be published.
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if not isinstance(error, OperationalError):
            return super().on_failure(exc_info, *args, **options)
        log.warning("callback_not_taken", error=repr(error))
        state.task_ready(self)
        return self.reject(requeue=True)


class DeadLetteringConsumer(Consumer):
    """Rejects messages that Celery cannot read, which stock Celery loses or exits on."""

    def on_decode_error(self, message: Message, exc: Exception) -> None:
        self._reject(message, repr(exc))

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Message], Any]:
        handle = super().create_task_handler(*args, **kwargs)
        connection_lost = self.connection_errors + self.channel_errors

        def on_task_received(message: Message) -> Any:
            try:
                fault = find_fault(message)
                return self._reject(message, fault) if fault else handle(message)
            except connection_lost:
                raise
            except Exception as error:  # noqa: BLE001  # anything else is the message's fault
                return self._reject(message, repr(error))

        return on_task_received

    def _reject(self, message: Message, why: str) -> None:
        log.error("message_rejected", why=why, headers=str(message.headers)[:500])
        if not message.acknowledged:
            message.reject_log_error(log, self.connection_errors, requeue=False)
