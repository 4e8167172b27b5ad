"""Deleting an account: a state machine that `reconcile` carries on, whatever process dies between two steps.

Requested (no log-in, nothing on sale, pending purchases cancelled) → scrubbed, once every order is settled
(nothing of the person is left here) → forgotten (the transactions service has replied) → closed (both have
scrubbed what messages that waited somewhere have brought since).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext

from listings import queries
from listings.accounts import profile
from listings.accounts.models import AccountDeletion
from listings.accounts.open_sessions import end_all
from listings.accounts.scrubbing import scrub_orders, scrub_person
from listings.messages import order_cancelled
from listings.models import Order, Refund
from listings.refusals import StaffAccount
from listings.settling.release import release_orders
from microstore.contracts.accounts import ACCOUNT_DELETED, AccountForgotten
from microstore.contracts.transactions import ORDER_CANCELLED
from microstore.database.clock import database_now
from microstore.messaging.models import OutboxMessage
from microstore.messaging.receiving.consumer import OUTAGE_GIVE_UP_SECONDS
from microstore.messaging.sending import outbox
from microstore.telemetry.tracing import current_trace

# Until then a message that was under way is handled, or is a dead letter.
LATE = timedelta(seconds=OUTAGE_GIVE_UP_SECONDS, hours=1)
PATIENCE = timedelta(hours=1)

log = structlog.get_logger(__name__)


def delete_own_account(user: User, *, password: str, request: HttpRequest) -> None:
    """Request the deletion of one's own account; raises WrongPassword, StaffAccount or TooManyFailures."""
    profile.ensure_password(user, password, request=request)
    request_deletion(user.pk)


@transaction.atomic
def request_deletion(user_id: int) -> None:
    """End log-ins and sales of the account at once, and have it deleted; a second request changes nothing.

    Raises StaffAccount: actions of staff are kept with their names.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    if user.is_staff:
        raise StaffAccount(gettext("This is an account of staff; it is closed by an administrator."))
    AccountDeletion.objects.get_or_create(user=user, defaults={"trace": current_trace()})
    # The statement that buys reads `is_active`, and lists show nothing of a seller without it.
    user.is_active = False
    user.set_unusable_password()
    user.save(update_fields=["is_active", "password"])
    end_all(user.pk)
    _cancel_purchases(user.pk)
    log.info("account_deletion_requested", account_id=user.pk)


def carry_on_deletions(resend_after: timedelta) -> Iterator[int]:
    """Take each open deletion a step further; yield 1 for each that was."""
    for user_id in AccountDeletion.objects.filter(closed_at=None).values_list("user_id", flat=True):
        yield carry_on(user_id, resend_after)


@transaction.atomic
def carry_on(user_id: int, resend_after: timedelta) -> int:
    """Take a deletion a step further, as far as its orders allow; return 1 where it was, else 0."""
    # Another reconcile that does it at this moment has the lock.
    rows = AccountDeletion.objects.select_for_update(skip_locked=True, of=("self",))
    deletion = rows.filter(user_id=user_id, closed_at=None).first()
    now = database_now()
    if deletion is None or not _take_step(deletion, now, resend_after):
        return 0
    outbox.send(ACCOUNT_DELETED, account_id=user_id, name_hash=deletion.name_hash, trace=deletion.trace)
    if deletion.closed_at:
        deletion.name_hash = ""  # or it would say for good which number had which name
    deletion.sent_at = now
    deletion.save()
    log.info("account_scrubbed", account_id=user_id)
    return 1


def _take_step(deletion: AccountDeletion, now: datetime, resend_after: timedelta) -> bool:
    if deletion.scrubbed_at is None:
        # Again: a purchase that was being placed during the request is seen only now.
        _cancel_purchases(deletion.user_id)
        if _is_awaited(deletion.user_id):
            return False
        deletion.name_hash = scrub_person(deletion.user_id)
        deletion.scrubbed_at = now
    elif deletion.forgotten_at is None:
        # Days, where the seller is owed something: sent seldom after the first hour.
        patience = resend_after if now - deletion.scrubbed_at < PATIENCE else max(resend_after, PATIENCE)
        return deletion.sent_at is None or deletion.sent_at <= now - patience
    elif deletion.scrubbed_at > now - LATE:
        return False
    else:
        scrub_orders(deletion.user_id)
        deletion.closed_at = now
    return True


def confirm_deletions(messages: Sequence[AccountForgotten]) -> None:
    """Store that the transactions service has forgotten the accounts, which ends sending it again."""
    ids = [message.account_id for message in messages]
    AccountDeletion.objects.filter(user_id__in=ids, forgotten_at=None).update(forgotten_at=Now())


def _cancel_purchases(user_id: int) -> None:
    # Orders by ascending id and then listings by ascending id are locked, as everywhere.
    ids = list(_orders_of(user_id).filter(buyer_id=user_id, status="pending").values_list("id", flat=True))
    pending = [order for order in queries.lock_orders(ids).values() if order.status == Order.Status.PENDING]
    release_orders(pending, Order.Status.CANCELLED)
    for order in pending:
        outbox.send_again(ORDER_CANCELLED, order_cancelled(order))


def _is_awaited(user_id: int) -> bool:
    # Messages about an order carry its texts: of none may one be under way, nor be sent again.
    pending = Q(status=Order.Status.PENDING)
    unvoided = Q(status=Order.Status.CANCELLED, transaction_id=None)
    orders = _orders_of(user_id)
    refunding = Q(refunds__status=Refund.Status.REQUESTED)
    if orders.filter(pending | unvoided | refunding).exists():
        return True
    sent = OutboxMessage.objects.filter(payload__has_key="order_id")
    return orders.filter(id__in=list(sent.values_list("payload__order_id", flat=True))).exists()


def _orders_of(user_id: int) -> QuerySet[Order]:
    return Order.objects.filter(Q(buyer_id=user_id) | Q(listing__seller_id=user_id))
