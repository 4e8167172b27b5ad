"""Sending messages again that got no reply, and deleting old rows; both in small steps.

Whatever became of the message of an order that stays pending, even with a broker that lost all its data: sent
again it makes the transactions service record the sale, or reply with what is recorded. If the first message
was only late, the second changes nothing. The same holds for a cancelled order until its transaction is
voided, for a refund until it is decided, and for a bank account until it is recorded.

An order that is still pending after ORDER_EXPIRES_DAYS is given up, but not here: only the transactions
service knows whether it has a transaction. `order_expired` makes it reply with the sale, or refuse the order
for good.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Now

from listings import messages
from listings.accounts.models import AccountEvent, AccountMail, BankAccount, SentMail
from listings.models import LiveEvent, Order, Refund, WebhookDelivery
from listings.notifications.models import Notification
from microstore.contracts.accounts import BANK_ACCOUNT_CHANGED
from microstore.contracts.contract import AnyContract, InvalidMessage, to_wire
from microstore.contracts.transactions import ORDER_CANCELLED, ORDER_CREATED, ORDER_EXPIRED, REFUND_REQUESTED
from microstore.database.clock import database_now
from microstore.messaging.sending import outbox

log = structlog.get_logger(__name__)

Cleaned = LiveEvent | Notification | AccountEvent | AccountMail | SentMail | WebhookDelivery

CHUNK_ROWS = 500
# Of live events and of notifications each. A wrong clock or setting costs this many rows, and is in the log
# before the next round, 30 s later; the cleaning still keeps up with 80 orders a second all day long.
MAX_DELETED_IN_ROUND = 5_000
LONGEST_WAIT = timedelta(hours=1)
CLOCKS_DIFFER_AT_MOST = timedelta(minutes=1)  # of servers whose time is kept

Waiting = TypeVar("Waiting", Order, Refund, BankAccount)


def resend_overdue(older_than: timedelta) -> Iterator[int]:
    """Send messages of orders that wait for longer again, or expire them; yield the count of each step."""
    round_began = database_now()
    expired = round_began - timedelta(days=settings.ORDER_EXPIRES_DAYS)
    for overdue, resend in (
        (overdue_orders, partial(_resend_pending, expired_before=expired)),
        (overdue_cancellations, _resend_cancellation),
        (overdue_refunds, _resend_refund),
        (overdue_bank_accounts, _resend_bank_account),
    ):
        while sent := _resend_chunk(overdue(round_began, older_than), resend):
            yield sent


def clean_live_events(older_than: timedelta) -> Iterator[int]:
    """Delete live events that are older; yield the count of each step."""
    return _delete_older(LiveEvent, older_than)


def clean_notifications(older_than: timedelta) -> Iterator[int]:
    """Delete notifications that are older, read or not, and their e-mails; yield the count of each step."""
    return _delete_older(Notification, older_than)


def clean_account_events(older_than: timedelta) -> Iterator[int]:
    """Delete older events of accounts; yield the count of each step."""
    return _delete_older(AccountEvent, older_than)


def clean_account_mails(older_than: timedelta) -> Iterator[int]:
    """Delete older e-mails of accounts, and what was counted for the bound of an hour."""
    yield from _delete_older(SentMail, timedelta(days=1))
    yield from _delete_older(AccountMail, older_than)


def clean_webhooks(older_than: timedelta) -> Iterator[int]:
    """Delete older deliveries of webhooks, with their attempts; yield the count of each step."""
    return _delete_older(WebhookDelivery, older_than)


def overdue_orders(now: datetime, older_than: timedelta) -> QuerySet[Order]:
    """Return orders that have been pending, and were not sent again, for longer; oldest first.

    The wait for the next attempt doubles, up to an hour: an outage of hours makes a handful of copies of each
    message, not one every two minutes.
    """
    pending = Order.objects.filter(status=Order.Status.PENDING)
    return _overdue(pending.select_related("listing", "past_edition"), "created_at", now, older_than)


def overdue_cancellations(now: datetime, older_than: timedelta) -> QuerySet[Order]:
    """Return cancelled orders that the transactions service has not confirmed for longer; oldest first."""
    unvoided = Order.objects.filter(status=Order.Status.CANCELLED, transaction_id__isnull=True)
    return _overdue(unvoided.select_related("listing", "past_edition"), "settled_at", now, older_than)


def overdue_refunds(now: datetime, older_than: timedelta) -> QuerySet[Refund]:
    """Return refunds that the transactions service has not decided about for longer; oldest first."""
    requested = Refund.objects.filter(status=Refund.Status.REQUESTED)
    return _overdue(requested.select_related("order__listing"), "created_at", now, older_than)


def overdue_bank_accounts(now: datetime, older_than: timedelta) -> QuerySet[BankAccount]:
    """Return bank accounts that the transactions service has not confirmed for longer; oldest first."""
    return _overdue(BankAccount.objects.filter(recorded_at=None), "created_at", now, older_than)


def _overdue(rows: QuerySet[Waiting], since: str, now: datetime, older_than: timedelta) -> QuerySet[Waiting]:
    deadline = now - older_than
    # Of a database whose clock was ahead, until another one took over or the clock was put right.
    future = Now() + CLOCKS_DIFFER_AT_MOST
    waited = ExpressionWrapper(F("resent_at") - F(since), output_field=DurationField())
    next_turn = ExpressionWrapper(F("resent_at") + F("waited"), output_field=DateTimeField())
    old, unlikely = Q(**{f"{since}__lt": deadline}), Q(**{f"{since}__gt": future})
    never = Q(resent_at__isnull=True) | (old & Q(resent_at__lt=F(since)))
    again = Q(resent_at__lt=deadline) & (Q(next_turn__lte=now) | Q(resent_at__lt=now - LONGEST_WAIT))
    timed = rows.filter(old | unlikely).alias(waited=waited).alias(next_turn=next_turn)
    return timed.filter(never | again | Q(resent_at__gt=future)).order_by(since)


@transaction.atomic
def _resend_chunk(overdue: QuerySet[Any], resend: Callable[[Any], None]) -> int:
    # Orders that somebody has locked are left out: another reconcile sends them, or a worker is settling
    # them. A crash before the commit sends nothing: outbox rows and `resent_at` are of one transaction.
    rows = list(overdue.select_for_update(of=("self",), skip_locked=True)[:CHUNK_ROWS])
    for row in rows:
        try:
            resend(row)
        except InvalidMessage as error:
            # It needs a person, and must not hold up the others of the chunk, nor the steps after this one.
            log.error("not_sent_again", table=row._meta.db_table, id=str(row.id), error=str(error))
    if rows:
        overdue.model._default_manager.filter(id__in=[row.id for row in rows]).update(resent_at=Now())
    return len(rows)


def _resend(order: Order, contract: AnyContract) -> None:
    outbox.send_again(contract, contract.parse(to_wire(messages.order_created(order))))
    log.warning("order_sent_again", contract=contract.name, order_id=str(order.id), trace_id=order.trace_id)


def _resend_pending(order: Order, *, expired_before: datetime) -> None:
    _resend(order, ORDER_EXPIRED if order.created_at < expired_before else ORDER_CREATED)


def _resend_cancellation(order: Order) -> None:
    outbox.send_again(ORDER_CANCELLED, messages.order_cancelled(order))
    log.warning("cancellation_sent_again", order_id=str(order.id), trace_id=order.trace_id)


def _resend_refund(refund: Refund) -> None:
    outbox.send_again(REFUND_REQUESTED, messages.refund_requested(refund))
    log.warning("refund_sent_again", refund_id=str(refund.id), trace_id=refund.order.trace_id)


def _resend_bank_account(account: BankAccount) -> None:
    outbox.send_again(BANK_ACCOUNT_CHANGED, messages.bank_account_changed(account))
    log.warning("bank_account_sent_again", bank_account_id=str(account.id))


def _delete_older(model: type[Cleaned], older_than: timedelta) -> Iterator[int]:
    before = database_now() - older_than
    total = 0
    while deleted := _delete_chunk(model, before):
        yield deleted
        total += deleted
        if total >= MAX_DELETED_IN_ROUND:
            log.warning("cleaning_bounded", table=model._meta.db_table, deleted=total)
            return


@transaction.atomic
def _delete_chunk(model: type[Cleaned], before: datetime) -> int:
    # Rows are numbered nearly in the order of their time, so the lowest numbers need no other index.
    lowest = model.objects.order_by("pk").select_for_update(skip_locked=True)
    rows = lowest.values_list("pk", "created_at")[:CHUNK_ROWS]
    old: list[Any] = [key for key, created_at in rows if created_at < before]
    model.objects.filter(pk__in=old).delete()
    return len(old)
