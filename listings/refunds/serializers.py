"""Serializers of refunds and requests."""

from typing import Any

from rest_framework import serializers

from listings.catalogue.seller_text import validate_line
from listings.models import Refund
from microstore.http.serializers import RefuseUnknownFields, StrictCharField, StrictIntegerField

MAX_AMOUNT_CENTS = 2**53 - 1  # that JavaScript counts to
MAX_PIECES = 1_000_000


class RequestRefundSerializer(RefuseUnknownFields, serializers.Serializer[Any]):
    """A request for a refund."""

    reason = StrictCharField(max_length=500, validators=[validate_line], help_text="For the buyer to read.")
    amount_cents = StrictIntegerField(
        min_value=1,
        max_value=MAX_AMOUNT_CENTS,
        required=False,
        help_text="Of what the buyer paid, in the minor unit, fee included; without it all that is left.",
    )
    return_quantity = StrictIntegerField(
        min_value=0, max_value=MAX_PIECES, default=0, help_text="Pieces that go back into the stock."
    )


class RefundSerializer(serializers.ModelSerializer[Refund]):
    """A refund as the order's buyer and seller see it."""

    currency = serializers.CharField(source="order.currency", read_only=True)

    class Meta:
        model = Refund
        fields = (
            *("id", "order", "status", "amount_cents", "fee_cents", "currency", "return_quantity"),
            *("reason", "refusal", "created_at", "settled_at"),
        )
        read_only_fields = fields
