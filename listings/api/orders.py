"""Orders, as their buyers and sellers see them."""

from django.db.models import QuerySet
from rest_framework import mixins, viewsets

from listings import queries
from listings.models import Order
from listings.serializers import OrderSerializer
from microstore.authentication import account_id


class OrderViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Order]):
    """The caller's orders, as buyer or seller."""

    lookup_value_regex = "[0-9a-fA-F-]{36}"
    serializer_class = OrderSerializer
    filterset_fields = ("status", "listing")
    queryset = Order.objects.none()

    def get_queryset(self) -> QuerySet[Order]:
        """Nobody sees the orders of others."""
        return queries.orders_of(account_id(self.request))
