"""The read-only API of transactions, for buyers and sellers."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, viewsets

from microstore.auth.authentication import account_id
from transactions import queries
from transactions.models import Transaction


class TransactionSerializer(serializers.ModelSerializer[Transaction]):
    """A transaction as its buyer and its seller see it."""

    trace_id = serializers.CharField(read_only=True)
    commission_cents = serializers.SerializerMethodField(
        help_text="Of the price, which its seller gets without it; null for the buyer."
    )

    class Meta:
        model = Transaction
        fields = (
            *("id", "order_id", "listing_id", "buyer_id", "seller_id", "quantity", "price_cents", "currency"),
            *("title", "description", "category", "picture"),
            *(
                "status",
                "fee_cents",
                "total_cents",
                "commission_cents",
                "fee_rule",
                "fee_breakdown",
                "reason",
                "trace_id",
                "created_at",
                "voided_at",
            ),
        )
        read_only_fields = fields

    def get_commission_cents(self, sold: Transaction) -> int | None:
        # Between the seller and the marketplace.
        return sold.commission_cents if sold.seller_id == account_id(self.context["request"]) else None


@extend_schema_view(
    list=extend_schema(description="List your transactions, as buyer and as seller, newest first."),
    retrieve=extend_schema(description="Return a transaction of yours."),
)
class TransactionViewSet(viewsets.ReadOnlyModelViewSet[Transaction]):
    """The caller's transactions, as buyer or seller."""

    lookup_value_regex = "[0-9a-fA-F-]{36}"
    serializer_class = TransactionSerializer
    filterset_fields = ("status", "currency", "order_id")
    queryset = Transaction.objects.none()

    def get_queryset(self) -> QuerySet[Transaction]:
        # Here and not in a permission: a transaction of others is not found, so nobody learns that it exists.
        return queries.transactions_of(account_id(self.request))
