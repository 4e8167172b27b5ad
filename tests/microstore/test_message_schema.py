"""What the services send each other has the form that their workers demand, and comes out as it went in."""

from typing import Any
from uuid import uuid4

import pytest
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
from microstore.messaging.receiving.message_schema import find_fault
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
