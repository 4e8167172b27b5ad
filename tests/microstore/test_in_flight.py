"""`contracts check --in-flight` names each waiting message that this release cannot take, and takes none."""

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from kombu import Connection
from kombu.transport.native_delayed_delivery import MAX_LEVEL, calculate_routing_key, level_name

from microstore.celery import app
from microstore.contracts.contract import AnyContract, InvalidMessage, to_wire
from microstore.contracts.registry import CONTRACTS
from microstore.messaging import topology
from microstore.messaging.dead_letters import store
from microstore.messaging.models import DeadLetter, OutboxMessage
from stack.waiting import wait_until
from tests.support import messages

pytestmark = pytest.mark.django_db(transaction=True)

SERVICE = settings.SERVICE
CONTRACT: AnyContract = CONTRACTS[{"listings": "item_sold", "transactions": "order_created"}[SERVICE]]
HOUR = 3600
DELAYED, DEAD = level_name(11), f"{SERVICE}.dead"  # 2048 of an hour's 3600 seconds


def payload(*, old: bool = False) -> dict[str, Any]:
    """A message, or one of a release that had not yet named the listing."""
    made = messages.order_created() if SERVICE == "transactions" else messages.item_sold(uuid4())
    fields = to_wire(made)
    if old:
        del fields["listing_id"]
    return fields


def publish(event: dict[str, Any], *, exchange: str = "", routing_key: str = SERVICE) -> str:
    """Put one event into the broker as a Celery message; returns its id."""
    task_id = str(uuid4())
    with app.producer_or_acquire() as producer:
        app.send_task(
            CONTRACT.task_name,
            args=[[event]],
            task_id=task_id,
            producer=producer,
            exchange=exchange,
            routing_key=routing_key,
            declare=[],
        )
    return task_id


def delay(event: dict[str, Any], *, seconds: int = HOUR, service: str = SERVICE) -> str:
    key = calculate_routing_key(seconds, f"task.{service}")
    return publish(event, exchange=level_name(MAX_LEVEL), routing_key=key)


@pytest.fixture
def broker(broker: Connection) -> Any:
    """The broker, its longer delays emptied as well."""
    levels = [level_name(level) for level in range(MAX_LEVEL, 4, -1)]
    for name in levels:
        broker.default_channel.queue_purge(name)
    yield broker
    for name in (*levels, SERVICE, DEAD):
        broker.default_channel.queue_purge(name)


def depth(broker: Connection, queue: str) -> int:
    return int(broker.default_channel.queue_declare(queue, passive=True).message_count)


def fill(*, old: bool) -> list[str]:
    """Put a message into each place; returns how each is named."""
    row = OutboxMessage.objects.create(contract=CONTRACT.name, payload=payload(old=old))
    letter = store.dead_letter(
        contract=CONTRACT.name, payload=payload(old=old), error=RuntimeError("no till"), attempts=5
    )
    task = CONTRACT.task_name
    return [
        f"outbox {row.pk}, {CONTRACT.name}: ",
        f"queue {DELAYED}, {task} {delay(payload(old=old))}: ",
        f"queue {SERVICE}, {task} {publish(payload(old=old))}: ",
        f"queue {DEAD}, {task} {publish(payload(old=old), routing_key=DEAD)}: ",
        f"dead letter {letter.pk}, {CONTRACT.name}: ",
    ]


def test_an_old_message_is_named_in_each_place_and_no_other_message_is(broker: Connection) -> None:
    fill(old=False)
    named = fill(old=True)
    with pytest.raises(CommandError) as stopped:
        call_command("contracts", "check", in_flight=True)
    _, *faults = str(stopped.value).splitlines()
    assert [fault[: len(name)] for fault, name in zip(faults, named, strict=True)] == named
    assert all("listing_id: Field required" in fault for fault in faults)
    assert wait_until(
        lambda: [depth(broker, queue) for queue in (DELAYED, SERVICE, DEAD)] == [2, 2, 2], timeout_seconds=30
    )


def test_what_this_release_can_take_lets_it_pass(
    broker: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(old=False)
    delay(payload(old=True), service="elsewhere")  # is not this service's
    call_command("contracts", "check", in_flight=True)
    assert capsys.readouterr().out == "5 messages wait, and this release can take them.\n"


def test_reading_costs_one_delivery_and_keeps_the_order(broker: Connection) -> None:
    ids = [publish(payload()) for _ in range(3)]
    for _ in range(2):
        call_command("contracts", "check", in_flight=True)
    assert wait_until(lambda: depth(broker, SERVICE) == len(ids), timeout_seconds=30)
    taken = [broker.default_channel.basic_get(SERVICE, no_ack=True).properties for _ in ids]
    headers = [each["application_headers"] for each in taken]
    assert [(each["id"], each["x-delivery-count"]) for each in headers] == [(key, 2) for key in ids]


def test_a_delayed_message_arrives_all_the_same(broker: Connection) -> None:
    delay(payload(), seconds=2)
    call_command("contracts", "check", in_flight=True)
    assert wait_until(lambda: depth(broker, SERVICE) == 1, timeout_seconds=30)


def test_a_message_that_celery_would_not_run_is_named(broker: Connection) -> None:
    body = json.dumps([[[payload()]], {}, {}])
    for headers in ({"task": f"{SERVICE}.gone", "id": "7"}, {"task": CONTRACT.task_name}):
        broker.Producer().publish(
            body,
            routing_key=SERVICE,
            headers=headers,
            content_type="application/json",
            content_encoding="utf-8",
        )
    with pytest.raises(
        CommandError, match=r"(?s)gone 7: .*no such task.* None: .*headers\.id: Field required"
    ):
        call_command("contracts", "check", in_flight=True)


def test_a_contract_without_a_handler_is_named(broker: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(payload())
    app.loader.import_default_modules()
    monkeypatch.delitem(app.tasks, CONTRACT.task_name)
    with pytest.raises(CommandError, match=f"no worker of this service runs {re.escape(CONTRACT.task_name)}"):
        call_command("contracts", "check", in_flight=True)


def test_a_dead_letter_that_was_never_valid_stops_no_release(
    broker: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    error = InvalidMessage("listing_id: Field required")
    store.dead_letter(contract=CONTRACT.name, payload=payload(old=True), error=error, attempts=1)
    store.dead_letter_unread(b"[]", {"application_headers": {"task": CONTRACT.task_name}})
    call_command("contracts", "check", in_flight=True)
    assert capsys.readouterr().out.count("was refused on its arrival, too") == 2


def test_a_letter_that_is_decided_about_and_a_queue_that_is_not_there_yet_are_no_concern(
    broker: Connection,
) -> None:
    letter = store.dead_letter(contract="gone", payload={}, error=RuntimeError("?"), attempts=5)
    DeadLetter.objects.filter(pk=letter.pk).update(state=DeadLetter.State.DISCARDED)
    broker.default_channel.queue_delete(DEAD)
    try:
        call_command("contracts", "check", in_flight=True)
    finally:
        topology.declare(broker)
