"""Handling messages at least once and in batches; a batch that fails is taken apart."""

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from celery.utils import uuid
from django.conf import settings
from django.db import DatabaseError

from microstore.contracts.contract import AnyContract, Contract, InvalidMessage, M, Message, to_wire
from microstore.database.outage import drop_connection, is_database_outage
from microstore.database.standby import wait_for_standby
from microstore.messaging import metrics
from microstore.messaging.dead_letters import store
from microstore.messaging.dead_letters.groups import cause_of
from microstore.messaging.envelope import publish_command, publish_fact, summarize
from microstore.messaging.project import celery_app
from microstore.messaging.receiving import task_signals, worker_heartbeat  # noqa: F401  # connects their handlers
from microstore.messaging.receiving.contradictions import split_repeats
from microstore.messaging.receiving.partly_dead_lettered import PartlyDeadLettered
from microstore.messaging.receiving.retry_state import OUTAGE_DELAY_SECONDS, RetryState
from microstore.messaging.receiving.steps import clean_next_steps, drop_steps, is_linked
from microstore.telemetry import otel
from microstore.telemetry.tracing import bound_id

log = structlog.get_logger(__name__)

REQUEST = "microstore.messaging.receiving.celery_worker:Request"
OUTAGE_GIVE_UP_SECONDS = 24 * 3600

# By contract: when a batch of it was last handled here, by the monotonic clock.
passed_at: dict[str, float] = {}


class Unavailable(Exception):
    """A dependency of the handler does not answer; nothing is wrong with the messages, which wait for it."""


Handler = Callable[[list[M]], Sequence[Message]]


class Delivered(NamedTuple):
    """Replies to a batch, and how many of its events were dead-lettered."""

    replies: list[dict[str, Any]]
    dead_lettered: int


Run = Callable[..., Delivered]
fact_handlers: dict[str, dict[str, Run]] = {}  # by the fact's name and the listener


def handles(contract: Contract[..., M]) -> Callable[[Handler[M]], Handler[M]]:
    """Register the function as the Celery task of the contract; it stays a plain function.

    It receives a batch and returns the replies to it, also to messages that it has handled before: a message
    may be delivered more than once, and its reply may have been lost.
    """

    return lambda handler: _register(contract, handler)


def handles_fact(
    fact: Contract[..., M], *, listener: str, unless: Callable[[], bool] = bool
) -> Callable[[Handler[M]], Handler[M]]:
    """Register the function as a listener's handler of a fact; it stays a plain function.

    All listeners receive a fact. A retry or a replay goes to this one alone, as a command of its own. Facts
    that arrive while `unless()` is true are acknowledged unread.
    """
    command = fact.for_listener(listener)

    def register(handler: Handler[M]) -> Handler[M]:
        _register(command, handler)
        if fact.name not in fact_handlers:
            _add_task(fact.name, partial(_deliver_to_listeners, fact.name))
        run = partial(_deliver, command, handler)
        fact_handlers.setdefault(fact.name, {})[listener] = partial(_deliver_unless, unless, run)
        return handler

    return register


def _register(contract: Contract[..., M], handler: Handler[M]) -> Handler[M]:
    _add_task(contract.task_name, partial(_deliver, contract, handler))
    return handler


def _add_task(name: str, run: Run) -> None:
    def task(task: Any, /, events: object, **state: Any) -> list[dict[str, Any]] | PartlyDeadLettered:
        replies, dead_lettered = run(task, events, **state)
        return PartlyDeadLettered(replies, dead_lettered) if dead_lettered else replies

    celery_app().task(name=name, bind=True, shared=False, max_retries=None, Request=REQUEST)(task)


def _deliver(
    contract: Contract[..., M], handler: Handler[M], task: Any, events: object, **state: Any
) -> Delivered:
    again = celery_app().tasks[contract.task_name]
    delivery = Delivery(task, contract, handler, RetryState(**state), again=again)
    return Delivered(delivery.handle(events), delivery.dead_lettered)


def _deliver_unless(
    unless: Callable[[], bool], run: Run, task: Any, events: object, **state: Any
) -> Delivered:
    try:
        if unless():
            return Delivered([], 0)
    except DatabaseError as error:
        log.warning("outage", error=repr(error))  # which the handler meets, too, and it is dealt with there
    return run(task, events, **state)


def _deliver_to_listeners(fact_name: str, task: Any, events: object, **state: Any) -> Delivered:
    # A fact arrives under a name that all listeners share, and Redis does not reveal the queue. A worker that
    # consumes the queues of several listeners has each copy handled by all of them: handlers are idempotent.
    consumed = celery_app().amqp.queues.consume_from
    runs = [run for listener, run in fact_handlers[fact_name].items() if listener in consumed]
    return Delivered([], sum(run(task, events, **state).dead_lettered for run in runs))


def publish(contract: AnyContract, messages: Sequence[Message]) -> None:
    """Publish from inside a task, with a confirm, so before the task's own message is acknowledged.

    Redelivery is its outbox: a handler that dies before or after this runs again and publishes the same.
    """
    if not messages:
        return
    app = celery_app()
    payloads = [to_wire(message) for message in messages]
    with app.producer_or_acquire() as producer:
        if contract.to:
            publish_command(app, producer, contract, payloads, task_id=uuid())
        if contract.fact:
            publish_fact(app, producer, contract, payloads, task_id=uuid())


class Delivery:
    """One delivery of a batch; `again` is the task by which it is retried, usually the same."""

    def __init__(
        self, task: Any, contract: AnyContract, handler: Handler[Any], state: RetryState, *, again: Any = None
    ) -> None:
        self.task, self.contract, self.handler, self.state = task, contract, handler, state
        self.again = again or task
        self.dead_lettered = self.sent_again = 0

    def handle(self, events: object) -> list[dict[str, Any]]:
        """Handle the batch and return the replies; events that fail are retried later or dead-lettered."""
        if not isinstance(events, list):
            raise InvalidMessage(f"{self.contract.task_name} takes a list of events.")
        parsed = [self._parse(event, place) for place, event in enumerate(events)]
        messages = [message for message in parsed if message]
        with metrics.handling(self.contract.name, len(events)):
            replies = [reply for part in split_repeats(messages) for reply in self._attempt(part)]
        request = self.task.request
        if not replies:
            drop_steps(request, is_handled=bool(messages) and not (self.sent_again or self.dead_lettered))
        clean_next_steps(request)
        if not replies:
            return []
        payloads = [to_wire(reply) for reply in replies]
        if self.contract.reply and not is_linked(self.contract.reply, request):
            # Any client may send the command alone: the reply is sent all the same.
            with celery_app().producer_or_acquire() as producer:
                publish_command(celery_app(), producer, self.contract.reply, payloads, task_id=uuid())
        return payloads

    def _parse(self, event: object, place: int) -> Any:
        try:
            return self.contract.parse(event)
        except InvalidMessage as error:
            arrived_as = f"{self.task.request.id} {place}"
            store.dead_letter(
                contract=self.contract.name, payload=event, error=error, attempts=1, arrived_as=arrived_as
            )
            self.dead_lettered += 1
            return None

    def _attempt(self, messages: list[Any]) -> list[Message]:
        replies, error = self._run(messages)
        if error is None:
            return replies
        if is_outage(error):
            self._wait_out(messages, error)
        elif len(messages) > 1:
            return self._take_apart(messages)
        else:
            self._fail(messages[0], error)
        return []

    def _run(self, messages: list[Any]) -> tuple[list[Message], Exception | None]:
        try:
            with otel.of_messages(self.contract.name, kind="CONSUMER", carriers=messages):
                replies = list(self.handler(messages))
                if self._was_delivered_before():
                    # What the first time has committed is read, and perhaps nothing written: no commit waits.
                    wait_for_standby()
        except Exception as error:  # noqa: BLE001  # whatever it is, it must not take the others along
            if is_database_outage(error):
                drop_connection()
            return [], error
        passed_at[self.contract.name] = time.monotonic()
        metrics.HANDLED.labels(self.contract.name).inc(len(messages))
        return replies, None

    def _was_delivered_before(self) -> bool:
        return self.state != RetryState() or bool((self.task.request.delivery_info or {}).get("redelivered"))

    def _take_apart(self, messages: list[Any]) -> list[Message]:
        replies: list[Message] = []
        failed: list[tuple[Any, Exception]] = []
        for message in messages:
            with bound_id(message.trace):
                more, error = self._run([message])
                replies += more
                if error and is_outage(error):
                    self._wait_out([message], error)
                elif error:
                    failed.append((message, error))
        if len(failed) == len(messages) and self._is_outage_of_all([error for _, error in failed]):
            self._wait_out(messages, failed[0][1])
            return []
        for message, error in failed:
            with bound_id(message.trace):
                self._fail(message, error)
        return replies

    def _is_outage_of_all(self, errors: list[Exception]) -> bool:
        # A fault is a message's only if it fails while others pass: here, or in this process not long ago.
        passed = passed_at.get(self.contract.name)
        others_pass = passed is not None and time.monotonic() - passed < OUTAGE_DELAY_SECONDS
        return not others_pass and len({cause_of(repr(error)) for error in errors}) == 1

    def _wait_out(self, messages: list[Any], error: Exception) -> None:
        # The delay is as long as the outage has lasted, so it doubles; no attempt is used up.
        waited = self.state.waited()
        log.warning("outage", contract=self.contract.name, messages=len(messages), error=repr(error))
        if waited > OUTAGE_GIVE_UP_SECONDS:
            for message in messages:
                self._dead_letter(message, error, self.state.attempts)
            return
        seconds = jitter(min(waited, OUTAGE_DELAY_SECONDS))
        self._send_again(messages, RetryState(self.state.attempts, waited + seconds), seconds, why="outage")

    def _fail(self, message: Any, error: Exception) -> None:
        attempts = self.state.attempts + 1
        log.warning("attempt_failed", contract=self.contract.name, attempts=attempts, error=repr(error))
        if attempts >= settings.MAX_ATTEMPTS:
            self._dead_letter(message, error, attempts)
        else:
            delays = settings.RETRY_DELAYS_SECONDS
            seconds = jitter(delays[min(attempts, len(delays)) - 1])
            self._send_again([message], RetryState(attempts), seconds, why="failure")

    def _dead_letter(self, message: Any, error: Exception, attempts: int) -> None:
        store.dead_letter(
            contract=self.contract.name, payload=to_wire(message), error=error, attempts=attempts
        )
        self.dead_lettered += 1

    def _send_again(self, messages: list[Any], state: RetryState, seconds: int, *, why: str) -> None:
        self.sent_again += len(messages)
        metrics.RETRIED.labels(self.contract.name, why).inc(len(messages))
        payloads = [to_wire(message) for message in messages]
        self.again.apply_async(
            args=[payloads],
            argsrepr=summarize(self.contract, payloads),
            kwargs=state.to_wire(),
            chain=self.task.request.chain,
            link=self.task.request.callbacks,
            countdown=seconds,
        )


def is_outage(error: Exception) -> bool:
    """Return whether the error says nothing about the message, so that its attempts must not count."""
    return isinstance(error, Unavailable | SoftTimeLimitExceeded) or is_database_outage(error)


def jitter(seconds: float) -> int:
    """Return about as many seconds, whole ones from 1: delayed delivery raises an error between 0 and 1."""
    return max(1, round(seconds * random.uniform(0.8, 1.2)))  # noqa: S311
