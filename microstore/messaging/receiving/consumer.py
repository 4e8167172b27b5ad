"""Handling messages: at least once, in batches, each event on its own where it must be."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from celery.utils import uuid
from django.conf import settings

from microstore.celery import app
from microstore.contracts.contract import AnyContract, Contract, InvalidMessage, M, Message, to_wire
from microstore.database.outage import meet_database_outage
from microstore.messaging import metrics
from microstore.messaging.dead_letters import store
from microstore.messaging.envelope import publish_command, publish_fact, summarize
from microstore.telemetry import otel
from microstore.telemetry.tracing import bound_id

log = structlog.get_logger(__name__)

REQUEST = "microstore.messaging.receiving.celery_worker:Request"
OUTAGE_DELAY_SECONDS = 60  # between two tries, at most
OUTAGE_GIVE_UP_SECONDS = 24 * 3600


class Unavailable(Exception):
    """What the handler needs does not answer; its messages are good and are tried again until it does."""


Handler = Callable[[list[M]], Sequence[Message]]


class RetryState(NamedTuple):
    """What a message has been through. It travels in the task's arguments, which no retry loses."""

    attempts: int = 0
    failing_since: float | None = None  # Unix time at which the outage was first met


def handles(contract: Contract[..., M]) -> Callable[[Handler[M]], Handler[M]]:
    """Make the function the Celery task of the contract, and leave it a plain function.

    It takes a batch and returns the replies for it, also for messages that it has handled before: a message
    may come more than once, and its reply may have been lost. Celery chains the replies to the callback.
    """

    return lambda handler: _register(contract, handler, contract.task_name)


def handles_fact(fact: Contract[..., M], *, listener: str) -> Callable[[Handler[M]], Handler[M]]:
    """Make the function the handler of a fact in the listener's queue, and leave it a plain function.

    A fact comes to all who listen; tried again or replayed it comes to this listener alone, as a command.
    """
    command = fact.for_listener(listener)

    return lambda handler: _register(command, handler, fact.name, command.task_name)


def _register(contract: Contract[..., M], handler: Handler[M], *names: str) -> Handler[M]:
    """Under each of the names a task that handles; what it tries again is sent by the contract's own."""

    def run(task: Any, /, events: object, **state: Any) -> list[dict[str, Any]]:
        again = app.tasks[contract.task_name]
        return Delivery(task, contract, handler, RetryState(**state), again=again).handle(events)

    for name in names:
        app.task(name=name, bind=True, shared=False, max_retries=None, Request=REQUEST)(run)
    return handler


def publish(contract: AnyContract, messages: Sequence[Message]) -> None:
    """Send from inside a task, confirmed before it returns and so before its own message is acknowledged.

    Redelivery is its outbox: a handler that dies before or after runs again and tells the same again.
    """
    if not messages:
        return
    payloads = [to_wire(message) for message in messages]
    with app.producer_or_acquire() as producer:
        if contract.to:
            publish_command(app, producer, contract, payloads, task_id=uuid())
        if contract.fact:
            publish_fact(app, producer, contract, payloads, task_id=uuid())


class Delivery:
    """One arrival of a batch; `again` is the task by which it is tried again, usually the same."""

    def __init__(
        self, task: Any, contract: AnyContract, handler: Handler[Any], state: RetryState, *, again: Any = None
    ) -> None:
        self.task, self.contract, self.handler, self.state = task, contract, handler, state
        self.again = again or task

    def handle(self, events: object) -> list[dict[str, Any]]:
        """Handle what can be handled; the rest is sent again later or buried. Returns the replies."""
        if not isinstance(events, list):
            raise InvalidMessage(f"{self.contract.task_name} takes a list of events.")
        parsed = [self._parse(event, place) for place, event in enumerate(events)]
        messages = [message for message in parsed if message]
        with metrics.handling(self.contract.name, len(events)):
            replies = self._attempt(messages) if messages else []
        if not replies:
            self.task.request.chain = None
        return [to_wire(reply) for reply in replies]

    def _parse(self, event: object, place: int) -> Any:
        try:
            return self.contract.parse(event)
        except InvalidMessage as error:
            arrived_as = f"{self.task.request.id} {place}"
            store.dead_letter(
                contract=self.contract.name, payload=event, error=error, attempts=1, arrived_as=arrived_as
            )
            return None

    def _attempt(self, messages: list[Any]) -> list[Message]:
        try:
            with otel.of_messages(self.contract.name, kind="CONSUMER", carriers=messages):
                replies = list(self.handler(messages))
        except Exception as error:  # noqa: BLE001  # whatever it is, it must not take the others along
            if isinstance(error, Unavailable | SoftTimeLimitExceeded) or meet_database_outage(error):
                self._wait_out(messages, error)
                return []
            if len(messages) > 1:
                return [reply for message in messages for reply in self._attempt_alone(message)]
            self._fail(messages[0], error)
            return []
        metrics.HANDLED.labels(self.contract.name).inc(len(messages))
        return replies

    def _attempt_alone(self, message: Any) -> list[Message]:
        with bound_id(message.trace):
            return self._attempt([message])

    def _wait_out(self, messages: list[Any], error: Exception) -> None:
        """Try again after as long as it has been failing: the delay doubles, and no attempt is used up."""
        now = time.time()
        since = self.state.failing_since or now
        log.warning("outage", contract=self.contract.name, messages=len(messages), error=repr(error))
        if now - since > OUTAGE_GIVE_UP_SECONDS:
            for message in messages:
                self._dead_letter(message, error, self.state.attempts)
            return
        self._send_again(
            messages, RetryState(self.state.attempts, since), min(now - since, OUTAGE_DELAY_SECONDS)
        )

    def _fail(self, message: Any, error: Exception) -> None:
        attempts = self.state.attempts + 1
        log.warning("attempt_failed", contract=self.contract.name, attempts=attempts, error=repr(error))
        if attempts >= settings.MAX_ATTEMPTS:
            self._dead_letter(message, error, attempts)
        else:
            self._send_again([message], RetryState(attempts), 2**attempts)

    def _dead_letter(self, message: Any, error: Exception, attempts: int) -> None:
        store.dead_letter(
            contract=self.contract.name, payload=to_wire(message), error=error, attempts=attempts
        )

    def _send_again(self, messages: list[Any], state: RetryState, seconds: float) -> None:
        """A copy with the callback still chained waits in the broker; whole seconds, at least one."""
        why = "outage" if state.failing_since else "failure"
        metrics.RETRIED.labels(self.contract.name, why).inc(len(messages))
        payloads = [to_wire(message) for message in messages]
        self.again.apply_async(
            args=[payloads],
            argsrepr=summarize(payloads),
            kwargs=state._asdict(),
            chain=self.task.request.chain,
            countdown=max(1, round(seconds * random.uniform(0.8, 1.2))),  # noqa: S311  # jitter
        )
