"""Serializers of orders and of their timelines."""

from typing import Any

from rest_framework import serializers

from listings.models import Order


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order as its buyer and its seller see it."""

    listing_title = serializers.CharField(source="listing.title", read_only=True)
    seller_id = serializers.IntegerField(source="listing.seller_id", read_only=True)
    trace_id = serializers.CharField(read_only=True)

    class Meta:
        model = Order
        fields = (
            *("id", "status", "listing", "listing_title", "checkout_id", "quantity", "unit_price_cents"),
            *("currency", "fee_cents", "total_cents", "transaction_id", "reason", "trace_id", "buyer_id"),
            *("seller_id", "created_at", "settled_at"),
        )
        read_only_fields = fields


class StepSerializer(serializers.Serializer[Any]):
    """A step of an order, done or still to come."""

    name = serializers.ChoiceField(
        ["accepted", "published", "recorded", "confirmed", "rejected", "cancelled", "voided", "pushed"]
    )
    done = serializers.BooleanField()
    at = serializers.DateTimeField(allow_null=True, help_text="Null where it is not known here.")
    detail = serializers.CharField()


class TimelineSerializer(serializers.Serializer[Any]):
    """The steps of an order, done and still to come."""

    order = serializers.UUIDField()
    trace_id = serializers.CharField(help_text="Finds the order in the logs of both services.")
    steps = StepSerializer(many=True)
