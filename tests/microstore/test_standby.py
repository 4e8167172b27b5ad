"""What a relay or a worker reads leaves once the synchronous standby has it, and never otherwise."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from celery.app.task import Context
from django.db import DatabaseError, transaction
from kombu import Connection

from microstore.celery import app
from microstore.contracts.contract import to_wire
from microstore.contracts.transactions import ORDER_CREATED
from microstore.messaging.models import OutboxMessage
from microstore.messaging.receiving.consumer import Delivery
from microstore.messaging.receiving.retry_state import RetryState
from microstore.messaging.sending import outbox
from microstore.messaging.sending.relay import Relay
from stack.waiting import wait_until
from tests.support.standby import standby_away, terminate, wait_for_unconfirmed
from tests.support.threads import other_threads

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[[Callable[[], Any]], "Future[Any]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Runs a function in another thread."""
    with other_threads() as start:
        yield start


def publish() -> int:
    """What a relay publishes at once."""
    relay = Relay(app)
    try:
        return relay.publish_due()
    finally:
        relay.close()


def commit_unconfirmed(armchair: dict[str, Any], start: Start) -> None:
    """Send an order whose commit is visible, though the standby does not have it."""

    def send() -> None:
        with transaction.atomic():
            outbox.send(ORDER_CREATED, **armchair)

    sending = start(send)
    pid = wait_for_unconfirmed()
    assert not OutboxMessage.objects.exists(), "held back from every reader"
    terminate(pid)
    assert isinstance(sending.exception(), DatabaseError)
    assert wait_until(OutboxMessage.objects.exists, timeout_seconds=30)


def test_what_no_standby_has_is_published_when_it_has_it(
    armchair: dict[str, Any], broker: Connection, received: Callable[[str], list[Any]], start: Start
) -> None:
    with standby_away():
        commit_unconfirmed(armchair, start)
        publishing = start(publish)
        wait_for_unconfirmed()
        assert received("transactions") == []
    assert publishing.result() == 1
    assert len(received("transactions")) == 1
    assert not OutboxMessage.objects.exists()


def test_what_no_standby_has_is_never_published_when_its_primary_stops(
    armchair: dict[str, Any], broker: Connection, received: Callable[[str], list[Any]], start: Start
) -> None:
    with standby_away():
        commit_unconfirmed(armchair, start)
        publishing = start(publish)
        terminate(wait_for_unconfirmed())
        assert isinstance(publishing.exception(), DatabaseError)
        assert received("transactions") == []
    assert OutboxMessage.objects.exists()


@pytest.mark.parametrize(
    ("redelivered", "state"),
    [(True, RetryState()), (False, RetryState(attempts=1)), (False, RetryState(waited_seconds=1))],
)
def test_a_message_that_comes_again_is_replied_to_once_the_standby_has_what_came_of_the_first(
    armchair: dict[str, Any], start: Start, redelivered: bool, state: RetryState
) -> None:
    request = Context(delivery_info={"redelivered": redelivered})
    task = SimpleNamespace(request=request)
    delivery = Delivery(task, ORDER_CREATED, lambda _: [], state)
    with standby_away():
        handling = start(lambda: delivery.handle([to_wire(ORDER_CREATED(**armchair))]))
        wait_for_unconfirmed()
        assert not handling.done()
    assert handling.result() == []


def test_a_message_that_comes_first_waits_for_no_more_than_its_own_commit(armchair: dict[str, Any]) -> None:
    task = SimpleNamespace(request=Context(delivery_info={"redelivered": False}))
    delivery = Delivery(task, ORDER_CREATED, lambda _: [], RetryState())
    with standby_away():
        assert delivery.handle([to_wire(ORDER_CREATED(**armchair))]) == []
