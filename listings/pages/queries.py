"""Queries that only the pages use."""

import re
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db.models import BigIntegerField, Count, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from listings.catalogue.search import find_words
from listings.models import Listing, Order, Profile, Refund
from listings.notifications.models import Notification
from listings.queries import ON_SALE
from listings.refunds.request import REFUNDABLE
from microstore.telemetry.tracing import uuid_of

MAX_COUNTED = 100
MAX_SUMMED = 1_000  # sales: no page may add up a long table


def stock_of(listing_ids: Sequence[int]) -> dict[int, int | None]:
    """Return the available quantity by listing id; None for a listing that is not on sale."""
    on_sale = Listing.objects.filter(ON_SALE, id__in=listing_ids)
    return dict.fromkeys(listing_ids) | dict(on_sale.values_list("id", "available"))


def listings_of(seller_id: int) -> QuerySet[Listing]:
    """Return the seller's listings in every status, newest first."""
    return Listing.objects.filter(seller_id=seller_id).prefetch_related("images").order_by("-id")


def name_of_seller(text: str) -> str:
    """Return the username of the active user with this id; "" if the text is no id of one."""
    if not re.fullmatch("[0-9]{1,9}", text):
        return ""
    return User.objects.filter(id=int(text), is_active=True).values_list("username", flat=True).first() or ""


def orders_bought_by(user_id: int) -> QuerySet[Order]:
    """Return the user's orders, with what the pages show of their listings."""
    return _with_listing(Order.objects.filter(buyer_id=user_id))


def orders_sold_by(user_id: int) -> QuerySet[Order]:
    """Return the orders of the user's listings, with what the pages show of these."""
    return _with_listing(Order.objects.filter(listing__seller_id=user_id))


def find_sales(orders: QuerySet[Order], listings: QuerySet[Listing], term: str) -> QuerySet[Order]:
    """Return the order with this number, those of this buyer, or else of the listings with these words."""
    if order_id := uuid_of(term):
        return orders.filter(pk=order_id)
    bought = orders.filter(buyer__username=term.replace("\0", ""))
    if bought.exists():
        return bought
    return orders.filter(listing__in=find_words(listings.order_by(), term).values("id")[:MAX_SUMMED])


def sum_sales(orders: QuerySet[Order]) -> list[dict[str, Any]]:
    """Return pieces and income of the latest MAX_SUMMED sold orders, by currency, refunds deducted."""
    latest = orders.filter(status__in=REFUNDABLE).order_by("-id").values("id")[:MAX_SUMMED]
    refunds = Refund.objects.filter(order=OuterRef("pk"), status=Refund.Status.REFUNDED)
    # The rest of a refund is of the buyer's fee, which was never the seller's.
    given_back: Any = refunds.values("order").annotate(cents=Sum(F("amount_cents") - F("fee_cents")))
    income = F("quantity") * F("unit_price_cents") - Coalesce(Subquery(given_back.values("cents")), 0)
    sums: Any = Order.objects.filter(id__in=latest).values("currency").order_by("currency")
    return list(
        sums.annotate(
            orders=Count("id"),
            pieces=Sum(F("quantity") - F("returned_quantity")),
            income_cents=Sum(income, output_field=BigIntegerField()),
        )
    )


def notifications_of(user_id: int) -> QuerySet[Notification]:
    """Return the notifications of the user."""
    return Notification.objects.filter(recipient=user_id).select_related("order")


def unread_of(user_id: int | None) -> int:
    """Return the number of unread notifications, at most MAX_COUNTED; 0 for a visitor without an account."""
    # Every page shows it, so no page may count a long table.
    if user_id is None:
        return 0
    return notifications_of(user_id).filter(read_at=None)[:MAX_COUNTED].count()


def wants_email(user_id: int) -> bool:
    """Return whether the user wants e-mail, which is so until they turn it off."""
    return not Profile.objects.filter(user=user_id, email_notifications=False).exists()


def _with_listing(orders: QuerySet[Order]) -> QuerySet[Order]:
    return orders.select_related("listing__seller", "listing__picture", "past_edition__picture", "buyer")
