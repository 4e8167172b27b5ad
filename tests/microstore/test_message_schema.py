"""What the services send each other has the form that their workers demand, and comes out as it went in."""

import json
from typing import Any
from uuid import uuid4

import pytest
from celery.app.task import Context
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from kombu import Connection, Producer
from kombu.message import Message

from microstore.celery import app
from microstore.contracts.contract import to_wire
from microstore.contracts.registry import SERVICES
from microstore.contracts.transactions import ORDER_CREATED
from microstore.messaging import topology
from microstore.messaging.envelope import publish_command
from microstore.messaging.receiving.message_schema import Embed, Headers, find_fault, find_fault_in
from tests.microstore.conftest import TRACE

orders = st.builds(
    lambda **fields: to_wire(ORDER_CREATED(trace=TRACE, **fields)),
    order_id=st.uuids(),
    listing_id=st.integers(1, 2**63 - 1),
    buyer_id=st.integers(1, 2**63 - 1),
    seller_id=st.integers(1, 2**63 - 1),
    quantity=st.integers(1, 2**31 - 1),
    unit_price_cents=st.integers(0, 2**63 - 1),
    currency=st.from_regex(r"[A-Z]{3}", fullmatch=True),
    category=st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
)


@pytest.fixture(scope="module")
def channel() -> Any:
    """A channel of a broker with its topology declared."""
    with app.connection_for_write(transport_options={"confirm_publish": True}) as connection:
        topology.declare(connection, SERVICES)
        topology.service_queue("transactions")(connection.default_channel).purge()
        yield connection.default_channel


def take(channel: Any) -> Message:
    """The next message of the transactions service."""
    message: Message | None = topology.service_queue("transactions")(channel).get(
        no_ack=True, accept=["json"]
    )
    assert message
    return message


@given(batch=st.lists(orders, min_size=1, max_size=5))
@hypothesis_settings(max_examples=50)
def test_a_batch_comes_out_of_its_envelope_as_it_went_in(channel: Any, batch: list[dict[str, Any]]) -> None:
    publish_command(app, Producer(channel, auto_declare=False), ORDER_CREATED, batch, task_id=str(uuid4()))
    message = take(channel)
    assert find_fault(message) is None
    [received], _, embed = message.payload
    assert received == batch
    assert [ORDER_CREATED.parse(event) for event in received] == [ORDER_CREATED.parse(sent) for sent in batch]
    assert embed["chain"][0]["task"] == "listings.item_sold"


def test_a_batch_that_is_tried_again_has_the_same_form(broker: Connection, channel: Any) -> None:
    for waited in ({"waited_seconds": 60.5}, {"failing_since": 1_000_000.5}):
        ORDER_CREATED.signature([], app=app).apply_async(
            kwargs={"attempts": 2, **waited},
            time_limit=settings.CELERY_TASK_TIME_LIMIT,
            soft_time_limit=settings.CELERY_TASK_SOFT_TIME_LIMIT,
        )
        assert find_fault(take(channel)) is None


# What clients send; Celery itself sets the others of these after it has read a message, whatever that has.
SENT = {"origin": "1@host", "replaced_task_nesting": 0, "group_index": 3, "headers": {"colour": "green"}}


def fault_of(*, embed: Any = None, **headers: Any) -> str | None:
    """The fault of a message without events."""
    body = json.dumps([[[]], {}, embed or {}]).encode()
    written = {"content_type": "application/json", "content_encoding": "utf-8"}
    good = {"task": ORDER_CREATED.task_name, "id": "7"}
    return find_fault_in(body, {**written, "application_headers": good | headers})


@pytest.mark.parametrize(
    "name", sorted(vars(Context).keys() - Headers.model_fields.keys() - Headers.set_by_celery)
)
def test_no_header_and_no_part_of_a_body_takes_the_place_of_what_celery_knows_of_a_task(name: str) -> None:
    """Both become attributes of one object: a chain among the headers is published as that of the body is."""
    assert fault_of(**{name: 5})
    if name not in Embed.model_fields:
        assert fault_of(embed={name: 5})


def test_what_clients_send_along_is_ignored() -> None:
    assert fault_of(embed={"of_a_later_celery": 1}, colour="green", **SENT) is None
    assert fault_of(**dict.fromkeys(Headers.set_by_celery, 5)) is None


@pytest.mark.parametrize(
    "eta", [5, "1700000000", "20261130", "2026-11-30T10:00:00z", "2026-11-30T10:00:00", "soon", "", ["2026"]]
)
def test_a_time_that_a_worker_cannot_read_is_refused_by_its_name(eta: object) -> None:
    step = {"task": "listings.item_sold", "args": [], "kwargs": {}, "options": {"eta": eta}}
    for fault in (fault_of(eta=eta), fault_of(embed={"chain": [step]})):
        assert fault
        assert "eta: " in fault


@pytest.mark.parametrize("eta", ["2026-11-30T10:00:00Z", "2026-11-30 10:00:00.123456789+05:30"])
def test_a_time_of_any_iso_form_is_read(eta: str) -> None:
    assert fault_of(eta=eta) is None


@pytest.mark.parametrize("kind", ["group", "chain", "chord", "xmap", "nothing", 5])
def test_a_step_that_celery_would_make_another_canvas_of_is_refused(kind: object) -> None:
    """It would fail once the task has run."""
    step = {"task": "listings.item_sold", "args": [], "kwargs": {}, "options": {}, "subtask_type": kind}
    for part in ("chain", "callbacks", "errbacks"):
        fault = fault_of(embed={part: [step]})
        assert fault
        assert "subtask_type" in fault
