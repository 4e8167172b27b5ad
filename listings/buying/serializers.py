"""Serializers of checkouts: items, the accepted and the refused answer."""

from typing import Any

from rest_framework import serializers

from listings.models import MAX_QUANTITY
from microstore.http.problem_schema import ProblemSerializer
from microstore.http.serializers import RefuseUnknownFields, StrictIntegerField

MAX_ITEMS = 50
MAX_LISTING_ID = 2**63 - 1


class ItemSerializer(RefuseUnknownFields):
    """A listing and a quantity of it."""

    listing = StrictIntegerField(min_value=1, max_value=MAX_LISTING_ID)
    quantity = StrictIntegerField(min_value=1, max_value=MAX_QUANTITY, default=1)


class CheckoutSerializer(RefuseUnknownFields):
    """A checkout: several listings, none of them twice."""

    items = serializers.ListField(child=ItemSerializer(), min_length=1, max_length=MAX_ITEMS)

    def validate_items(self, items: list[dict[str, int]]) -> list[dict[str, int]]:
        """Refuse a listing that is named twice: its quantity says how many."""
        if len({item["listing"] for item in items}) < len(items):
            raise serializers.ValidationError("A listing is in it twice; add up its quantity.")
        return items


class CheckoutOrderSerializer(serializers.Serializer[Any]):
    """One order of an accepted checkout."""

    id = serializers.UUIDField()
    listing = serializers.IntegerField()
    quantity = serializers.IntegerField()
    status = serializers.CharField()
    status_url = serializers.CharField()


class AcceptedCheckoutSerializer(serializers.Serializer[Any]):
    """The answer to a checkout, the same for each repeat with its idempotency key."""

    id = serializers.UUIDField()
    trace_id = serializers.CharField()
    orders = CheckoutOrderSerializer(many=True)


class RefusedItemSerializer(ProblemSerializer):
    """An item that cannot be bought, and the reason."""

    index = serializers.IntegerField(help_text="Its place among the items, from 0.")
    listing = serializers.IntegerField()


class RefusedCheckoutSerializer(ProblemSerializer):
    """A problem that names the items that cannot be bought."""

    items = RefusedItemSerializer(many=True)
