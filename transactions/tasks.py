"""The Celery tasks of the transactions service, one per contract, and their replies."""

from collections.abc import Sequence
from uuid import uuid5

from microstore.contracts.accounts import (
    ACCOUNT_DELETED,
    ACCOUNT_EXPORTED,
    ACCOUNT_FORGOTTEN,
    BANK_ACCOUNT_CHANGED,
    BANK_ACCOUNT_RECORDED,
    EXPORT_REQUESTED,
    AccountDeleted,
    AccountExported,
    AccountForgotten,
    BankAccountChanged,
    BankAccountRecorded,
    ExportRequested,
)
from microstore.contracts.contract import Message
from microstore.contracts.listings import (
    ITEM_SOLD,
    ORDER_REFUNDED,
    ORDER_REJECTED,
    ORDER_VOIDED,
    REFUND_REFUSED,
    ItemSold,
    OrderRefunded,
    OrderRejected,
    OrderVoided,
    RefundRefused,
)
from microstore.contracts.transactions import (
    ORDER_CANCELLED,
    ORDER_CREATED,
    ORDER_EXPIRED,
    REFUND_REQUESTED,
    OrderCancelled,
    OrderCreated,
    OrderExpired,
    RefundRequested,
)
from microstore.messaging.receiving.consumer import handles, publish
from transactions import exporting, forgetting, recording
from transactions.models import Transaction
from transactions.payouts.bank_accounts import record_bank_accounts
from transactions.queries import Decided
from transactions.refunds.models import Refund
from transactions.refunds.refunding import refund_orders


@handles(ORDER_CREATED)
def order_created(events: list[OrderCreated]) -> Sequence[Message]:
    """Record the transactions; return the sales, which Celery chains to `item_sold`."""
    return _replies_to(recording.record_transactions(events))


@handles(ORDER_EXPIRED)
def order_expired(events: list[OrderExpired]) -> Sequence[Message]:
    """Refuse the orders without a transaction; return the sales of those that have one."""
    return _replies_to(recording.refuse_expired(events))


def _replies_to(decided: Sequence[Decided]) -> Sequence[Message]:
    # Published before the task ends, hence before its message is acknowledged: after a crash in between the
    # batch is redelivered, and the same rejections with the same event ids are published again. Voided orders
    # get no reply, since `order_voided` has answered their cancellation.
    publish(
        ORDER_REJECTED, [_rejection(each) for each in decided if each.status == Transaction.Status.REFUSED]
    )
    return [_sale(each) for each in decided if each.status == Transaction.Status.RECORDED]


@handles(ORDER_CANCELLED)
def order_cancelled(events: list[OrderCancelled]) -> Sequence[Message]:
    """Void the transactions; return the replies, which Celery chains to `order_voided`."""
    return [_voided(decided) for decided in recording.void_transactions(events)]


@handles(REFUND_REQUESTED)
def refund_requested(events: list[RefundRequested]) -> Sequence[Message]:
    """Refund the orders; return the refunds, which Celery chains to `order_refunded`."""
    decided = refund_orders(events)
    # Published before the message is acknowledged, as rejections are.
    publish(REFUND_REFUSED, [_refusal(each) for each in decided if each.status == Refund.Status.REFUSED])
    return [_refund(each) for each in decided if each.status == Refund.Status.REFUNDED]


@handles(ACCOUNT_DELETED)
def account_deleted(events: list[AccountDeleted]) -> Sequence[Message]:
    """Delete what the accounts wrote; return the replies, which Celery chains to `account_forgotten`."""
    return [_forgotten(each) for each in forgetting.forget_accounts(events)]


@handles(BANK_ACCOUNT_CHANGED)
def bank_account_changed(events: list[BankAccountChanged]) -> Sequence[Message]:
    """Record the bank accounts; return the replies, which Celery chains to `bank_account_recorded`."""
    return [_bank_account_recorded(each) for each in record_bank_accounts(events)]


def _bank_account_recorded(changed: BankAccountChanged) -> BankAccountRecorded:
    return BANK_ACCOUNT_RECORDED(
        event_id=uuid5(changed.bank_account_id, BANK_ACCOUNT_RECORDED.name),
        bank_account_id=changed.bank_account_id,
        seller_id=changed.seller_id,
        trace=changed.trace,
    )


def _forgotten(deleted: AccountDeleted) -> AccountForgotten:
    event_id = uuid5(deleted.event_id, ACCOUNT_FORGOTTEN.name)
    return ACCOUNT_FORGOTTEN(event_id=event_id, account_id=deleted.account_id, trace=deleted.trace)


@handles(EXPORT_REQUESTED)
def export_requested(events: list[ExportRequested]) -> Sequence[Message]:
    """Read the pages; return them, which Celery chains to `account_exported`."""
    return [_page(each) for each in events]


def _page(requested: ExportRequested) -> AccountExported:
    return ACCOUNT_EXPORTED(
        event_id=uuid5(requested.event_id, ACCOUNT_EXPORTED.name),
        export_id=requested.export_id,
        account_id=requested.account_id,
        page=requested.page,
        trace=requested.trace,
        **exporting.read_page(requested)._asdict(),
    )


def _sale(decided: Decided) -> ItemSold:
    # Event ids are made from the order's, so that a redelivered batch sends the same events and no new ones.
    assert decided.fee_cents is not None
    assert decided.total_cents is not None
    return ITEM_SOLD(
        event_id=uuid5(decided.order_id, ITEM_SOLD.name),
        order_id=decided.order_id,
        listing_id=decided.listing_id,
        transaction_id=decided.id,
        fee_cents=decided.fee_cents,
        total_cents=decided.total_cents,
        fee_rule=decided.fee_rule,
        trace=decided.trace,
    )


def _rejection(decided: Decided) -> OrderRejected:
    return ORDER_REJECTED(
        event_id=uuid5(decided.order_id, ORDER_REJECTED.name),
        order_id=decided.order_id,
        listing_id=decided.listing_id,
        reason=decided.reason,
        trace=decided.trace,
    )


def _voided(decided: Decided) -> OrderVoided:
    return ORDER_VOIDED(
        event_id=uuid5(decided.order_id, ORDER_VOIDED.name),
        order_id=decided.order_id,
        listing_id=decided.listing_id,
        transaction_id=decided.id,
        trace=decided.trace,
    )


def _refund(refund: Refund) -> OrderRefunded:
    assert refund.transaction_id is not None
    return ORDER_REFUNDED(
        event_id=uuid5(refund.pk, ORDER_REFUNDED.name),
        refund_id=refund.pk,
        order_id=refund.order_id,
        listing_id=refund.listing_id,
        transaction_id=refund.transaction_id,
        amount_cents=refund.amount_cents,
        fee_cents=refund.fee_cents,
        currency=refund.currency,
        trace=refund.trace,
    )


def _refusal(refund: Refund) -> RefundRefused:
    return REFUND_REFUSED(
        event_id=uuid5(refund.pk, REFUND_REFUSED.name),
        refund_id=refund.pk,
        order_id=refund.order_id,
        listing_id=refund.listing_id,
        reason=refund.refusal,
        trace=refund.trace,
    )
