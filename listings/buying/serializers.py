"""Serializers of a purchase and of a checkout: request, accepted and refused response."""

from collections.abc import Mapping
from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from listings.buying.offer import Offer
from listings.models import MAX_PRICE_CENTS, MAX_QUANTITY
from microstore.contracts.transactions import FEE_VERSION
from microstore.http.problem_schema import ProblemSerializer
from microstore.http.serializers import (
    BoundedListField,
    RefuseUnknownFields,
    StrictCharField,
    StrictIntegerField,
)

MAX_ITEMS = 50
MAX_LISTING_ID = 2**63 - 1


class WantedSerializer(RefuseUnknownFields):
    """A quantity, and the price and currency that the buyer has seen."""

    quantity = StrictIntegerField(min_value=1, max_value=MAX_QUANTITY, default=1)
    price_cents = StrictIntegerField(
        min_value=0,
        max_value=MAX_PRICE_CENTS,
        required=False,
        help_text="The price of one that the buyer has seen; a higher one is refused (`price-changed`).",
    )
    currency = StrictCharField(max_length=3, required=False, help_text="Its currency.")
    fee_version = StrictCharField(
        validators=[RegexValidator(f"^{FEE_VERSION}$")],
        required=False,
        help_text="That of the quote that the buyer has seen: its fee is charged, or the order rejected.",
    )


def seen_offer(wanted: Mapping[str, Any]) -> Offer | None:
    """Return the offer of a valid body or item, or None where it names none."""
    if not wanted.keys() & {"price_cents", "currency", "fee_version"}:
        return None
    return Offer(wanted.get("price_cents"), wanted.get("currency"), fee_version=wanted.get("fee_version"))


BOUGHT = {"quantity": 1, "price_cents": 24_900, "currency": "EUR"}


@extend_schema_serializer(examples=[OpenApiExample("One", BOUGHT, request_only=True)])
class BuySerializer(WantedSerializer):
    """A purchase: how many, and at which price."""


class ItemSerializer(WantedSerializer):
    """A listing, a quantity of it, and the price that the buyer has seen."""

    listing = StrictIntegerField(min_value=1, max_value=MAX_LISTING_ID)


class CheckoutSerializer(RefuseUnknownFields):
    """A checkout: several listings, none of them twice."""

    items = BoundedListField(child=ItemSerializer(), min_length=1, max_length=MAX_ITEMS)

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
    status_url = serializers.CharField(help_text="The checkout: its orders, and whether all are settled.")
    trace_id = serializers.CharField()
    orders = CheckoutOrderSerializer(many=True)


class RefusedItemSerializer(ProblemSerializer):
    """An item that cannot be bought, and the reason."""

    index = serializers.IntegerField(help_text="Its place among the items, from 0.")
    listing = serializers.IntegerField()


class RefusedCheckoutSerializer(ProblemSerializer):
    """A problem that names the items that cannot be bought."""

    items = RefusedItemSerializer(many=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Accepted",
            {
                "id": "01a20465-7ba7-742f-b6f6-4741a701e43b",
                "status": "pending",
                "status_url": "/api/orders/01a20465-7ba7-742f-b6f6-4741a701e43b/",
                "trace_id": "11b80a795e4c947836d5c0edd903d71c",
            },
            response_only=True,
        )
    ]
)
class AcceptedOrderSerializer(serializers.Serializer[dict[str, Any]]):
    """The answer to a purchase: always the first one, however often it is asked for again."""

    id = serializers.UUIDField()
    status = serializers.CharField()
    status_url = serializers.CharField()
    trace_id = serializers.CharField()
