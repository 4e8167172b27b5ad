"""A contract is checked when a message is made and again when it is received."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microstore.contracts.contract import AnyContract, InvalidMessage, to_wire
from microstore.contracts.registry import CONTRACTS
from microstore.contracts.transactions import ORDER_CREATED
from microstore.telemetry.logs import SECRET_NAMES


def test_a_message_carries_its_id_its_time_and_its_trace(armchair: dict[str, Any]) -> None:
    first, second = ORDER_CREATED(**armchair), ORDER_CREATED(**armchair)
    assert first.event_id != second.event_id
    assert first.occurred_at.tzinfo is not None
    assert first.trace == armchair["trace"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity", 0),
        ("quantity", "1"),
        ("quantity", True),
        ("unit_price_cents", 24.5),
        ("unit_price_cents", -1),
        ("currency", "euro"),
        ("order_id", "not an id"),
        ("trace", "lost"),
        ("colour", "green"),
        # PostgreSQL stores these, and Python does not read them back.
        ("occurred_at", "9999-12-31T23:59:59-23:59"),
        ("occurred_at", "0001-01-01T00:00:00+23:59"),
    ],
)
def test_a_field_that_does_not_fit_is_refused_by_name(
    armchair: dict[str, Any], field: str, value: object
) -> None:
    with pytest.raises(InvalidMessage, match=field):
        ORDER_CREATED(**armchair | {field: value})


def test_a_missing_field_is_refused_by_name(armchair: dict[str, Any]) -> None:
    del armchair["buyer_id"]
    with pytest.raises(InvalidMessage, match="buyer_id"):
        ORDER_CREATED(**armchair)


def test_a_receiver_ignores_what_a_newer_sender_added(armchair: dict[str, Any]) -> None:
    wire = to_wire(ORDER_CREATED(**armchair)) | {"gift_wrapped": True}
    assert ORDER_CREATED.parse(wire).listing_id == armchair["listing_id"]


@pytest.mark.parametrize("rubbish", [None, 5, "order", [], {}, {"order_id": 7}])
def test_a_receiver_refuses_rubbish(rubbish: object) -> None:
    with pytest.raises(InvalidMessage):
        ORDER_CREATED.parse(rubbish)


@given(
    quantity=st.integers(1, 10**6),
    unit_price_cents=st.integers(0, 10**12),
    category=st.text(max_size=50).filter(str.isprintable),
)
def test_the_wire_is_plain_json_and_loses_nothing(
    quantity: int, unit_price_cents: int, category: str
) -> None:
    message = ORDER_CREATED(
        order_id=uuid4(),
        listing_id=8,
        buyer_id=2,
        seller_id=1,
        quantity=quantity,
        unit_price_cents=unit_price_cents,
        currency="EUR",
        category=category,
        trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    wire = json.dumps(to_wire(message))
    assert "__type__" not in wire
    assert ORDER_CREATED.parse(json.loads(wire)) == message


def test_a_task_that_others_know_keeps_its_name() -> None:
    known = {
        "transactions.order_created",
        "transactions.order_expired",
        "transactions.account_deleted",
        "listings.account_forgotten",
        "transactions.bank_account_changed",
        "listings.bank_account_recorded",
        "notifications.mail_account",
        "transactions.order_cancelled",
        "listings.item_sold",
        "listings.order_rejected",
        "listings.order_voided",
        "order_completed",
        "transactions.refund_requested",
        "listings.order_refunded",
        "listings.refund_refused",
        "refund_completed",
        "checkout_settled",
        "notifications.heard_checkout_settled",
        "notifications.heard_refund_completed",
        "notifications.heard_order_created",
        "notifications.heard_order_completed",
        "notifications.heard_order_rejected",
        "notifications.heard_order_cancelled",
        "webhooks.heard_refund_completed",
        "webhooks.heard_order_created",
        "webhooks.heard_order_completed",
        "webhooks.heard_order_rejected",
        "webhooks.heard_order_cancelled",
        "webhooks.heard_checkout_settled",
        "order_refund_refused",
        "webhooks.heard_order_refund_refused",
        *("payout_prepared", "payout_paid", "payout_failed"),
        *("webhooks.heard_payout_prepared", "webhooks.heard_payout_paid", "webhooks.heard_payout_failed"),
    }
    assert known <= {contract.task_name for contract in CONTRACTS.values()}


SENDERS = """
from uuid import uuid4
from microstore.contracts.listings import ORDER_REJECTED
from microstore.messaging.sending import outbox

outbox.send(ORDER_REJECTED, order_id=uuid4(), listing_id=8, trace="", reason="no such currency")
outbox.send(ORDER_REJECTED, order_id=uuid4(), listing_id=8, trace="", reason=17)
outbox.send(ORDER_REJECTED, order_id=uuid4(), listing_id=8, trace="", reason="", colour="green")
outbox.send(ORDER_REJECTED, order_id=uuid4(), trace="", reason="")
"""


@pytest.mark.timeout(300)
def test_mypy_refuses_a_wrong_field_in_a_sender(tmp_path: Path) -> None:
    (senders := tmp_path / "senders.py").write_text(SENDERS)
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", str(senders)],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line.partition("error: ")[2] for line in run.stdout.splitlines() if "error:" in line]
    assert [complaint.split(" to ")[0] for complaint in complaints] == [
        'Argument "reason"',
        'Unexpected keyword argument "colour" for "send"  [call-arg]',
        'Missing named argument "listing_id" for "send"  [call-arg]',
    ], run.stdout


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_no_message_has_room_for_a_secret(contract: AnyContract) -> None:
    assert [name for name in contract.payload.model_fields if SECRET_NAMES.search(name)] == []
