"""Questions to the transactions database."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from transactions.models import Transaction


def recorded_for(order_ids: Iterable[UUID]) -> dict[UUID, Transaction]:
    """What has been decided about these orders, by order id."""
    return {found.order_id: found for found in Transaction.objects.filter(order_id__in=list(order_ids))}


def transactions_of(user_id: int) -> QuerySet[Transaction]:
    """Transactions that the user may see: as buyer or as seller."""
    return Transaction.objects.filter(Q(buyer_id=user_id) | Q(seller_id=user_id))
