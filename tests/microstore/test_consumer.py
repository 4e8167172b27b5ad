"""A batch never fails as a whole for one bad event, and no event is lost."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from celery.utils.saferepr import saferepr
from django.db import OperationalError, connection
from kombu import Connection
from kombu.utils.json import dumps, loads
from pytest_django import Settings

from microstore.celery import app
from microstore.contracts.contract import to_wire
from microstore.contracts.listings import ITEM_SOLD, ItemSold
from microstore.contracts.notifications import SUBSCRIBED_FACTS
from microstore.contracts.transactions import ORDER_CREATED, OrderCreated
from microstore.contracts.webhooks import SUBSCRIBED_FACTS as WEBHOOK_FACTS
from microstore.messaging.models import DeadLetter
from microstore.messaging.receiving.consumer import (
    Delivery,
    Unavailable,
    handles,
    passed_at,
)
from microstore.messaging.receiving.partly_dead_lettered import PartlyDeadLettered
from microstore.messaging.receiving.retry_state import RetryState
from microstore.telemetry.tracing import trace_id_of
from tests.support.deliveries import ArrivedTask

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_passed_before() -> None:
    passed_at.clear()


def orders(armchair: dict[str, Any], *quantities: int) -> list[dict[str, Any]]:
    """Orders on the wire, told apart by their quantities."""
    made = [ORDER_CREATED(**armchair | {"order_id": uuid4(), "quantity": q}) for q in quantities]
    return [to_wire(order) for order in made]


def sell(events: list[OrderCreated]) -> list[ItemSold]:
    """A handler that sells, but fails on a quantity of 13 and meets an outage at 7."""
    if any(event.quantity == 13 for event in events):
        raise ValueError("nobody sells thirteen")
    if any(event.quantity == 7 for event in events):
        raise Unavailable("the till is shut")
    return [
        ITEM_SOLD(
            order_id=event.order_id,
            listing_id=event.listing_id,
            transaction_id=uuid4(),
            fee_cents=1,
            total_cents=2,
            trace=event.trace,
        )
        for event in events
    ]


def deliver(events: object, handler: Any = sell, **state: Any) -> tuple[ArrivedTask, list[dict[str, Any]]]:
    """Let a batch arrive."""
    task = ArrivedTask()
    return task, Delivery(task, ORDER_CREATED, handler, RetryState(**state)).handle(events)


def test_a_good_batch_is_handled_at_once_and_its_replies_are_chained(armchair: dict[str, Any]) -> None:
    batch = orders(armchair, 1, 2, 3)
    task, replies = deliver(batch)
    assert [reply["order_id"] for reply in replies] == [event["order_id"] for event in batch]
    assert task.request.chain
    assert task.sent_again == []


def test_an_invalid_event_is_dead_lettered_alone(armchair: dict[str, Any]) -> None:
    good, bad = orders(armchair, 1, 2)
    bad["quantity"] = "two"
    _, replies = deliver([good, bad, None])
    assert len(replies) == 1
    assert {letter.attempts for letter in DeadLetter.objects.all()} == {1}
    assert DeadLetter.objects.get(trace=armchair["trace"]).payload == bad
    assert DeadLetter.objects.count() == 2


def test_an_invalid_event_with_a_stock_clients_ids_and_times_is_dead_lettered_alone_as_text(
    armchair: dict[str, Any],
) -> None:
    good, bad = orders(armchair, 1, 2)
    typed = {"order_id": UUID(bad["order_id"]), "occurred_at": datetime.now(UTC), "quantity": Decimal("1.5")}
    _, replies = deliver([good, loads(dumps(bad | typed))])
    assert [reply["order_id"] for reply in replies] == [good["order_id"]]
    texts = {name: str(value) for name, value in typed.items()}
    assert DeadLetter.objects.get().payload == bad | texts


def test_two_invalid_events_without_ids_are_two_letters_and_a_redelivery_is_none_more() -> None:
    task = ArrivedTask()
    for _ in range(2):
        Delivery(task, ORDER_CREATED, sell, RetryState()).handle(
            [{"colour": "green"}, {"colour": "green"}, None]
        )
    assert DeadLetter.objects.count() == 3
    deliver([{"colour": "green"}])
    assert DeadLetter.objects.count() == 4


def test_an_invalid_event_of_an_order_that_is_sent_again_is_one_letter(armchair: dict[str, Any]) -> None:
    for _ in range(2):
        [bad] = orders(armchair, 1)
        deliver([bad | {"quantity": "two", "order_id": armchair["order_id"]}])
    assert DeadLetter.objects.count() == 1


@pytest.mark.parametrize("odd", ["nul \0", "half \ud800", float("nan")])
def test_an_event_that_the_database_cannot_hold_is_kept_and_can_be_read_again(
    armchair: dict[str, Any], odd: object
) -> None:
    [bad] = orders(armchair, 1)
    deliver([bad | {"quantity": odd}])
    letter = DeadLetter.objects.get()
    [[[kept]], _, _] = json.loads(bytes(letter.raw_body or b""))
    assert json.dumps(kept, sort_keys=True) == json.dumps(bad | {"quantity": odd}, sort_keys=True)


def test_a_failing_event_is_tried_again_alone_and_the_others_go_on(armchair: dict[str, Any]) -> None:
    batch = orders(armchair, 1, 13, 3)
    task, replies = deliver(batch)
    assert [reply["order_id"] for reply in replies] == [batch[0]["order_id"], batch[2]["order_id"]]
    [again] = task.sent_again
    assert [event["order_id"] for event in again["args"][0]] == [batch[1]["order_id"]]
    assert again["kwargs"] == {"attempts": 1}
    assert again["chain"] == task.request.chain
    assert isinstance(again["countdown"], int)
    assert again["countdown"] >= 1


def test_the_last_failure_dead_letters_the_event_with_its_traceback(
    armchair: dict[str, Any], settings: Settings
) -> None:
    settings.MAX_ATTEMPTS = 3
    [event] = orders(armchair, 13)
    task, replies = deliver([event], attempts=2)
    letter = DeadLetter.objects.get()
    assert letter.payload == event
    assert letter.attempts == 3
    assert "nobody sells thirteen" in letter.error
    assert "in sell" in letter.traceback
    assert task.sent_again == []
    assert replies == []
    assert task.request.chain is None, "a callback without events would be noise"


@pytest.mark.parametrize("outage", [Unavailable("the till is shut"), OperationalError("gone")])
def test_an_outage_uses_up_no_attempt_and_keeps_the_batch_together(
    armchair: dict[str, Any], outage: Exception
) -> None:
    def fail(_: list[OrderCreated]) -> list[ItemSold]:
        raise outage

    batch = orders(armchair, 1, 2)
    task, replies = deliver(batch, fail, attempts=2)
    [again] = task.sent_again
    assert len(again["args"][0]) == 2
    assert again["kwargs"]["attempts"] == 2
    assert again["kwargs"]["waited_seconds"] >= 1
    assert replies == []
    assert not DeadLetter.objects.exists()


def test_the_connection_that_met_an_outage_is_left(armchair: dict[str, Any]) -> None:
    """It may stay read-only for good, and would fail every batch after this one."""

    def write(_: list[OrderCreated]) -> list[ItemSold]:
        DeadLetter.objects.create(fingerprint=uuid4().hex, error="written")
        return []

    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    first, _ = deliver(orders(armchair, 1), write)
    second, _ = deliver(orders(armchair, 1), write)
    assert len(first.sent_again) == 1
    assert second.sent_again == []


@pytest.mark.parametrize(("waited", "shortest", "longest"), [(0, 1, 1), (10, 8, 12), (3600, 48, 72)])
def test_the_longer_an_outage_the_longer_the_wait_up_to_a_minute(
    armchair: dict[str, Any], waited: int, shortest: int, longest: int
) -> None:
    task, _ = deliver(orders(armchair, 7), waited_seconds=waited)
    [again] = task.sent_again
    assert shortest <= again["countdown"] <= longest
    assert again["kwargs"]["waited_seconds"] == waited + again["countdown"]


def test_after_a_day_of_outage_the_events_are_dead_lettered(armchair: dict[str, Any]) -> None:
    task, _ = deliver(orders(armchair, 7, 7), waited_seconds=24 * 3600 + 1)
    assert task.sent_again == []
    assert DeadLetter.objects.count() == 2


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_is_a_year_off_ends_no_outage(armchair: dict[str, Any], days: int) -> None:
    task, _ = deliver(orders(armchair, 7), failing_since=time.time() + days * 24 * 3600)
    [again] = task.sent_again
    assert 1 <= again["countdown"] <= 72
    assert not DeadLetter.objects.exists()


def test_attempts_are_spread_over_minutes(armchair: dict[str, Any], settings: Settings) -> None:
    settings.MAX_ATTEMPTS, settings.RETRY_DELAYS_SECONDS = 5, [5, 30, 60]
    waits = [
        deliver(orders(armchair, 13), attempts=attempts)[0].sent_again[0]["countdown"]
        for attempts in range(4)
    ]
    assert all(4 * of <= 5 * wait <= 6 * of for wait, of in zip(waits, [5, 30, 60, 60], strict=True)), waits


def test_a_batch_whose_events_all_fail_alike_meets_an_outage_and_not_faults(armchair: dict[str, Any]) -> None:
    task, _ = deliver(orders(armchair, 13, 13, 13), attempts=4)
    [again] = task.sent_again
    assert len(again["args"][0]) == 3
    assert again["kwargs"]["attempts"] == 4
    assert not DeadLetter.objects.exists()


def test_a_batch_whose_events_all_fail_while_others_pass_has_faults(armchair: dict[str, Any]) -> None:
    deliver(orders(armchair, 1))
    task, _ = deliver(orders(armchair, 13, 13), attempts=4)
    assert task.sent_again == []
    assert DeadLetter.objects.count() == 2


def test_the_reply_is_sent_though_the_message_has_no_chain(
    armchair: dict[str, Any], broker: Connection, received: Callable[[str], list[Any]]
) -> None:
    task = ArrivedTask()
    task.request.chain = None
    [event] = orders(armchair, 1)
    Delivery(task, ORDER_CREATED, sell, RetryState()).handle([event])
    [[[[reply]], _, _]] = received("listings")
    assert reply["order_id"] == event["order_id"]


def test_a_handler_stays_a_plain_function_and_becomes_a_task(settings: Any) -> None:
    names = {
        "listings": {
            *("listings.item_sold", "listings.order_rejected", "listings.order_voided"),
            *("listings.order_refunded", "listings.refund_refused", "notifications.mail_account"),
            *("listings.account_forgotten", "listings.account_exported"),
            "listings.bank_account_recorded",
            *(name for fact in SUBSCRIBED_FACTS for name in (fact.name, f"notifications.heard_{fact.name}")),
            *(name for fact in WEBHOOK_FACTS for name in (fact.name, f"webhooks.heard_{fact.name}")),
        },
        "transactions": {
            *("transactions.order_created", "transactions.order_cancelled", "transactions.order_expired"),
            *("transactions.refund_requested", "transactions.account_deleted"),
            "transactions.export_requested",
            "transactions.bank_account_changed",
        },
    }
    app.loader.import_default_modules()
    assert {name for name in app.tasks if not name.startswith("celery.")} == names[settings.SERVICE]


def test_events_that_are_tried_alone_are_logged_with_their_trace(armchair: dict[str, Any]) -> None:
    seen: list[dict[str, Any]] = []

    def look(events: list[OrderCreated]) -> list[ItemSold]:
        seen.append(structlog.contextvars.get_contextvars())
        return sell(events)

    deliver(orders(armchair, 13, 1), look)
    assert [bound.get("trace_id") for bound in seen] == [None, *[trace_id_of(armchair["trace"])] * 2]
    assert structlog.contextvars.get_contextvars() == {}


def test_flower_sees_how_many_events_and_the_first_order_but_not_their_contents(
    armchair: dict[str, Any],
) -> None:
    batch = orders(armchair, 13)
    task, _ = deliver(batch)
    assert task.sent_again[0]["argsrepr"] == f"(1 events, first order_id {batch[0]['order_id']})"


@pytest.mark.parametrize(("quantities", "replies"), [((1, 13), 1), ((13,), 0)])
def test_flower_sees_that_events_of_a_batch_were_dead_lettered_and_the_chain_gets_a_list(
    armchair: dict[str, Any], quantities: tuple[int, ...], replies: int
) -> None:
    deliver(orders(armchair, 1))  # or it would be an outage
    _, wired = deliver(orders(armchair, *quantities), attempts=4)
    assert DeadLetter.objects.count() == 1
    result = PartlyDeadLettered(wired, 1)
    assert saferepr(result) == f"[{{'dead_lettered': 1, 'replies': {replies}}}]"
    assert loads(dumps([result])) == [wired]


def test_the_task_of_a_contract_returns_what_flower_shows(armchair: dict[str, Any]) -> None:
    contract = ORDER_CREATED.for_listener("nobody")
    handles(contract)(sell)
    try:
        task = app.tasks[contract.task_name]
        assert "'dead_lettered': 1, 'replies': 1" in saferepr(task([None, *orders(armchair, 1)]))
        assert isinstance(task(orders(armchair, 1)), list)
    finally:
        app.tasks.unregister(contract.task_name)
