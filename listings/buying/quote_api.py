"""API of quotes: the total of a purchase or a checkout before it is made."""

from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings.buying.quotes import ItemQuote, add_up, quote_items
from listings.buying.serializers import CheckoutSerializer, RefusedCheckoutSerializer
from listings.catalogue.etags import etag
from listings.models import MAX_QUANTITY, Listing
from listings.queries import visible_listings
from listings.refusals import CheckoutRefused, ListingNotFound
from microstore.auth.authentication import account_id
from microstore.http.filters import WHOLE_NUMBER, refuse_unknown
from microstore.http.problems import refuses
from microstore.refusal import CONTENT_TYPE

NOT_FOUND = "There is no such listing, or it is not on sale."
UNKNOWN_FEE = "Null where the fee is not known at this moment; one is added."
QUOTE = {
    "listing": 3,
    "quantity": 2,
    "unit_price_cents": 24_900,
    "price_cents": 49_800,
    "currency": "EUR",
    "fee_cents": 2_291,
    "total_cents": 52_091,
    "fee_rule": "2026-11/EUR/furniture",
    "fee_version": "2026-11",
    "etag": '"1"',
    "reason": "",
}


class AmountsSerializer(serializers.Serializer[Any]):
    """Price, fee and their sum, in the minor unit of the currency."""

    price_cents = serializers.IntegerField(help_text="Without the fee.")
    currency = serializers.CharField()
    fee_cents = serializers.IntegerField(allow_null=True, help_text=UNKNOWN_FEE)
    total_cents = serializers.IntegerField(allow_null=True, help_text="Price and fee.")


@extend_schema_serializer(examples=[OpenApiExample("Two armchairs", QUOTE, response_only=True)])
class QuoteSerializer(AmountsSerializer):
    """Price, fee and total of a quantity of a listing, as an order would be charged them."""

    listing = serializers.IntegerField(source="listing.pk")
    quantity = serializers.IntegerField()
    unit_price_cents = serializers.IntegerField(source="listing.price_cents")
    currency = serializers.CharField(source="listing.currency")
    fee_rule = serializers.CharField(source="fee.rule", default="", help_text="The rule that sets the fee.")
    fee_version = serializers.CharField(help_text="Send it with the purchase, to be charged this fee.")
    etag = serializers.SerializerMethodField(help_text="The edition: send it as `If-Match`.")
    reason = serializers.CharField(help_text="Why the fee is not known; empty where it is.")

    def get_etag(self, quote: ItemQuote) -> str:
        return etag(quote.listing)["ETag"]


class CheckoutQuoteSerializer(serializers.Serializer[Any]):
    """Quotes of a checkout's items, and their totals."""

    items = QuoteSerializer(many=True)
    totals = AmountsSerializer(many=True, help_text="One for each currency.")


class QuoteView(APIView):
    """The total of a purchase before it is made."""

    permission_classes = (AllowAny,)
    throttle_scope = "quote"

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "quantity", {"type": "integer", "minimum": 1, "maximum": MAX_QUANTITY, "default": 1}
            )
        ],
        responses=QuoteSerializer,
    )
    @refuses(ListingNotFound)
    def get(self, request: Request, pk: str) -> Response:
        """Quote price, fee and total of a quantity. Nothing is reserved."""
        quantity = _read_quantity(request)
        listing = _visible(request, [int(pk)]).get(int(pk))
        if listing is None:
            raise ListingNotFound(NOT_FOUND)
        [quote] = quote_items([(listing, quantity)])
        return Response(QuoteSerializer(quote).data)


class CheckoutQuoteView(APIView):
    """The totals of a checkout before it is made."""

    permission_classes = (AllowAny,)
    throttle_scope = "quote"

    @extend_schema(
        request=CheckoutSerializer,
        responses={
            200: CheckoutQuoteSerializer,
            (409, CONTENT_TYPE): OpenApiResponse(RefusedCheckoutSerializer, "Some items cannot be seen."),
        },
    )
    def post(self, request: Request) -> Response:
        """Quote what a checkout with this body would cost. Nothing is reserved."""
        body = CheckoutSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        items = body.validated_data["items"]
        found = _visible(request, [item["listing"] for item in items])
        missing = {
            index: (item["listing"], ListingNotFound(NOT_FOUND))
            for index, item in enumerate(items)
            if item["listing"] not in found
        }
        if missing:
            raise CheckoutRefused(missing, of=len(items))
        quotes = quote_items([(found[item["listing"]], item["quantity"]) for item in items])
        answer = CheckoutQuoteSerializer({"items": quotes, "totals": add_up(quotes)})
        return Response(answer.data, HTTPStatus.OK)


def _read_quantity(request: Request) -> int:
    refuse_unknown(request, known={"quantity"})
    text = request.query_params.get("quantity", "1")
    quantity = int(text) if WHOLE_NUMBER.fullmatch(text) else 0
    if not 1 <= quantity <= MAX_QUANTITY:
        raise serializers.ValidationError({"quantity": [f"Use a whole number from 1 to {MAX_QUANTITY}."]})
    return quantity


def _visible(request: Request, listing_ids: list[int]) -> dict[int, Listing]:
    caller = account_id(request) if request.user.is_authenticated else None
    return visible_listings(caller).prefetch_related(None).in_bulk(listing_ids)
