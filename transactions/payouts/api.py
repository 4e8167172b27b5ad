"""The read-only API of a seller's payouts."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, viewsets

from microstore.auth.authentication import BalanceAuthentication, account_id
from transactions.ledger.api import AUTH
from transactions.payouts.models import Payout


class PayoutSerializer(serializers.ModelSerializer[Payout]):
    """A payout as its seller sees it."""

    bank_account = serializers.CharField(
        source="bank_account.masked", help_text="Country and last digits of the IBAN."
    )

    class Meta:
        model = Payout
        fields = (
            *("id", "status", "currency", "amount_cents", "bank_account"),
            *("created_at", "sent_at", "settled_at", "returned_at"),
        )
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(auth=AUTH, description="List your payouts, newest first."),
    retrieve=extend_schema(auth=AUTH, description="Return a payout of yours."),
)
class PayoutViewSet(viewsets.ReadOnlyModelViewSet[Payout]):
    """The caller's payouts, as a seller."""

    authentication_classes = (BalanceAuthentication,)
    lookup_value_regex = "[0-9a-fA-F-]{36}"
    serializer_class = PayoutSerializer
    filterset_fields = ("status", "currency")
    queryset = Payout.objects.none()

    def get_queryset(self) -> QuerySet[Payout]:
        # Those of others are not found, so nobody learns that they exist.
        return Payout.objects.filter(seller_id=account_id(self.request)).select_related("bank_account")
