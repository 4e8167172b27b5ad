"""Serializers of orders and of their timelines."""

from typing import Any

from rest_framework import serializers

from listings.models import Category, Order, picture_path


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order as its buyer and its seller see it."""

    listing_title = serializers.CharField(source="item.title", read_only=True, help_text="As sold.")
    description = serializers.CharField(source="item.description", read_only=True, help_text="As sold.")
    category = serializers.ChoiceField(
        Category.choices, source="item.category", read_only=True, help_text="As sold."
    )
    picture_url = serializers.SerializerMethodField(
        help_text="The listing's first picture, as sold; null without one. It needs a log-in."
    )
    seller_id = serializers.IntegerField(source="listing.seller_id", read_only=True)
    trace_id = serializers.CharField(read_only=True)

    class Meta:
        model = Order
        fields = (
            *(
                "id",
                "status",
                "listing",
                "edition",
                "listing_title",
                "description",
                "category",
                "picture_url",
            ),
            *("checkout_id", "quantity", "unit_price_cents"),
            *("currency", "fee_cents", "total_cents", "refunded_cents", "returned_quantity", "fee_rule"),
            *("transaction_id", "reason"),
            *("trace_id", "buyer_id"),
            *("seller_id", "created_at", "settled_at"),
        )
        read_only_fields = fields

    def get_picture_url(self, order: Order) -> str | None:
        path = picture_path(order.item.picture_id)
        request = self.context.get("request")  # a WebSocket has none, and sends the path
        return request.build_absolute_uri(path) if path and request else path or None


class CheckoutTotalsSerializer(serializers.Serializer[Any]):
    """Sums of the completed orders in one currency, in its minor unit."""

    currency = serializers.CharField()
    price_cents = serializers.IntegerField(help_text="Without the fee.")
    fee_cents = serializers.IntegerField()
    total_cents = serializers.IntegerField(help_text="Price and fee.")
    refunded_cents = serializers.IntegerField(help_text="Of the total.")


class CheckoutSummarySerializer(serializers.Serializer[Any]):
    """A checkout without its orders."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(
        ["open", "settled"], help_text="`open` while one of its orders is pending."
    )
    trace_id = serializers.CharField()
    created_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True, help_text="When its last order was settled.")
    totals = CheckoutTotalsSerializer(many=True, help_text="Of what is completed, one for each currency.")


class PlacedCheckoutSerializer(CheckoutSummarySerializer):
    """A checkout as its buyer sees it."""

    orders = OrderSerializer(many=True, help_text="In the order of the items.")


class StepSerializer(serializers.Serializer[Any]):
    """A step of an order, done or still to come."""

    name = serializers.ChoiceField(
        [
            *("accepted", "published", "recorded", "confirmed", "rejected", "cancelled", "voided", "pushed"),
            *("refunded", "refund_refused"),
        ]
    )
    done = serializers.BooleanField()
    at = serializers.DateTimeField(allow_null=True, help_text="Null where it is not known here.")
    detail = serializers.CharField()


class TimelineSerializer(serializers.Serializer[Any]):
    """The steps of an order, done and still to come."""

    order = serializers.UUIDField()
    trace_id = serializers.CharField(help_text="Finds the order in the logs of both services.")
    steps = StepSerializer(many=True)
