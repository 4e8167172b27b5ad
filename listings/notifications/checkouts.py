"""Notifications of checkouts: one for the buyer, when all orders are settled."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.utils import translation
from django.utils.translation import gettext, ngettext

from listings.models import Order
from listings.notifications.models import Notification
from listings.notifications.orders import announce
from listings.notifications.store import NewRow, store_notifications
from listings.notifications.texts import write_amount
from microstore.contracts.listings import CheckoutSettled

MAX_CURRENCIES = 3  # whose sums are named; a text has room for a thousand characters


def notify_of_checkouts(facts: Sequence[CheckoutSettled]) -> None:
    """Notify the buyer of each checkout: in the database, on open pages and by e-mail.

    Idempotent, and raises Unavailable, as `notify` does.
    """
    orders = defaultdict(list)
    for order in _with_titles([order_id for fact in facts for order_id in fact.order_ids]):
        orders[order.checkout_id].append(order)
    rows = [_row_of(fact, orders[fact.checkout_id]) for fact in facts if fact.checkout_id in orders]
    announce(store_notifications(rows))


def _with_titles(order_ids: Sequence[UUID]) -> QuerySet[Order]:
    # No other column: the worker's database role may not read them (sql/rights.sql).
    orders = Order.objects.annotate(
        title=Coalesce("past_edition__title", "listing__title"), language=F("buyer__profile__language")
    )
    columns = (
        "checkout_id",
        "buyer_id",
        "quantity",
        "total_cents",
        "currency",
        "status",
        "listing_id",
        "edition",
    )
    return orders.filter(id__in=order_ids).only(*columns).order_by("id")


def _row_of(fact: CheckoutSettled, orders: Sequence[Order]) -> NewRow:
    language = orders[0].language  # type: ignore[attr-defined]  # annotated
    with translation.override(language or settings.LANGUAGE_CODE):
        text = _describe(fact, orders)
    return NewRow(
        recipient_id=orders[0].buyer_id,
        event_id=fact.event_id,
        kind=Notification.Kind.CHECKOUT_SETTLED.value,
        role=Notification.Role.BUYER.value,
        order_id=orders[0].id,
        text=text,
    )


def _describe(fact: CheckoutSettled, orders: Sequence[Order]) -> str:
    # Of the fact, and not by the status: what is completed may be refunded by now.
    bought = [order for order in orders if order.id in fact.completed_order_ids]
    rejected = [order for order in orders if order.status == Order.Status.REJECTED]
    cancelled = [order for order in orders if order.status == Order.Status.CANCELLED]
    sentences = (
        (bought, gettext("You bought {things}{price}."), _price(bought)),
        (rejected, ngettext("{things} was rejected.", "{things} were rejected.", len(rejected)), ""),
        (cancelled, gettext("You cancelled {things}."), ""),
    )
    return " ".join(text.format(things=_name(some), price=price) for some, text, price in sentences if some)


def _name(orders: Sequence[Order]) -> str:
    first = f"{orders[0].quantity} × {orders[0].title}"  # type: ignore[attr-defined]  # annotated
    more = len(orders) - 1
    others = ngettext("{first} and {more} other item", "{first} and {more} other items", more)
    return others.format(first=first, more=more) if more else first


def _price(orders: Sequence[Order]) -> str:
    totals: Counter[str] = Counter()
    for order in orders:
        totals[order.currency] += order.total_cents or 0
    if len(totals) > MAX_CURRENCIES:
        return ""
    language = translation.get_language()
    amounts = gettext(" and ").join(
        write_amount(cents, code, language) for code, cents in sorted(totals.items())
    )
    return gettext(" for {amounts}").format(amounts=amounts) if orders else ""
