"""The handler of each message that the listings service receives."""

from collections.abc import Sequence

from listings.accounts.bank_account import confirm_bank_accounts
from listings.accounts.deletion import confirm_deletions
from listings.accounts.exporting import store_pages
from listings.notifications import tasks as notifications
from listings.refunds.settle import complete_refunds, refuse_refunds
from listings.settling.cancel import confirm_cancellations
from listings.settling.complete import complete_orders
from listings.settling.release import reject_orders
from listings.webhooks import tasks as webhooks
from microstore.contracts.accounts import (
    ACCOUNT_EXPORTED,
    ACCOUNT_FORGOTTEN,
    BANK_ACCOUNT_RECORDED,
    AccountExported,
    AccountForgotten,
    BankAccountRecorded,
)
from microstore.contracts.contract import Message
from microstore.contracts.listings import (
    ITEM_SOLD,
    ORDER_COMPLETED,
    ORDER_REFUND_REFUSED,
    ORDER_REFUNDED,
    ORDER_REJECTED,
    ORDER_VOIDED,
    REFUND_COMPLETED,
    REFUND_REFUSED,
    ItemSold,
    OrderRefunded,
    OrderRejected,
    OrderVoided,
    RefundRefused,
)
from microstore.messaging.receiving.consumer import handles, publish

__all__ = ["notifications", "webhooks"]  # importing them is what makes their handlers known


@handles(ITEM_SOLD)
def item_sold(events: list[ItemSold]) -> Sequence[Message]:
    """Complete the orders, push them to the browsers, publish the fact of each."""
    publish(ORDER_COMPLETED, complete_orders(events))
    return []


@handles(ORDER_REJECTED)
def order_rejected(events: list[OrderRejected]) -> Sequence[Message]:
    """Reject the orders and give their stock back."""
    reject_orders(events)
    return []


@handles(ORDER_VOIDED)
def order_voided(events: list[OrderVoided]) -> Sequence[Message]:
    """Note that the transactions service knows of the cancelled orders."""
    confirm_cancellations(events)
    return []


@handles(ORDER_REFUNDED)
def order_refunded(events: list[OrderRefunded]) -> Sequence[Message]:
    """Refund the orders and publish the fact of each refund."""
    publish(REFUND_COMPLETED, complete_refunds(events))
    return []


@handles(REFUND_REFUSED)
def refund_refused(events: list[RefundRefused]) -> Sequence[Message]:
    """Store why the refunds are refused and publish the fact of each refusal."""
    publish(ORDER_REFUND_REFUSED, refuse_refunds(events))
    return []


@handles(ACCOUNT_FORGOTTEN)
def account_forgotten(events: list[AccountForgotten]) -> Sequence[Message]:
    """Note that the transactions service has deleted what the accounts wrote."""
    confirm_deletions(events)
    return []


@handles(ACCOUNT_EXPORTED)
def account_exported(events: list[AccountExported]) -> Sequence[Message]:
    """Store pages of archives, request the next ones, and make the archives that are complete."""
    store_pages(events)
    return []


@handles(BANK_ACCOUNT_RECORDED)
def bank_account_recorded(events: list[BankAccountRecorded]) -> Sequence[Message]:
    """Note that the transactions service has the bank accounts."""
    confirm_bank_accounts(events)
    return []
