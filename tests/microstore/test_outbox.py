"""A message is sent if, and only if, the transaction commits."""

from typing import Any

import pytest
from django.db import transaction

from microstore.contracts.contract import InvalidMessage
from microstore.contracts.transactions import ORDER_CREATED
from microstore.messaging.models import OutboxMessage
from microstore.messaging.sending import outbox


@pytest.mark.django_db(transaction=True)
def test_a_committed_message_waits_for_the_relay(armchair: dict[str, Any]) -> None:
    with transaction.atomic():
        message = outbox.send(ORDER_CREATED, **armchair)
    row = OutboxMessage.objects.get()
    assert row.contract == "order_created"
    assert ORDER_CREATED.parse(row.payload) == message
    assert row.attempts == 0


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_message_was_never_sent(armchair: dict[str, Any]) -> None:
    with transaction.atomic():
        outbox.send(ORDER_CREATED, **armchair)
        transaction.set_rollback(True)
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_sending_outside_a_transaction_is_an_error(armchair: dict[str, Any]) -> None:
    with pytest.raises(outbox.OutsideTransaction, match="order_created"):
        outbox.send(ORDER_CREATED, **armchair)
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
def test_an_invalid_message_tells_its_sender_and_stores_nothing(armchair: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage, match="quantity"):
        outbox.send(ORDER_CREATED, **armchair | {"quantity": 0})
    assert not OutboxMessage.objects.exists()
