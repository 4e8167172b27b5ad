"""The catalogue: what is for sale, and buying it."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import JsonResponse
from django.urls import reverse
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from listings import queries, services
from listings.models import MAX_PRICE_CENTS, MAX_QUANTITY, Listing, Order
from listings.serializers import (
    AcceptedOrderSerializer,
    BuySerializer,
    ListingSerializer,
)
from microstore.authentication import account_id
from microstore.tracing import current_trace

MAX_KEY_LENGTH = 255


class ListingFilter(filters.FilterSet):
    """What listings can be narrowed down by."""

    min_price_cents = filters.NumberFilter(
        "price_cents", lookup_expr="gte", min_value=0, max_value=MAX_PRICE_CENTS
    )
    max_price_cents = filters.NumberFilter(
        "price_cents", lookup_expr="lte", min_value=0, max_value=MAX_PRICE_CENTS
    )
    in_stock = filters.BooleanFilter("available", method="filter_in_stock")
    search = filters.CharFilter("title", lookup_expr="icontains")

    class Meta:
        model = Listing
        fields = ("category", "currency", "seller")

    def filter_in_stock(self, listings: QuerySet[Listing], _name: str, value: bool) -> QuerySet[Listing]:
        """What can still be bought, or what is sold out."""
        return listings.filter(available__gt=0) if value else listings.filter(available=0)


class ListingViewSet(
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.ListModelMixin,
    viewsets.GenericViewSet[Listing],
):
    """What is for sale."""

    throttle_scope: str | None = None
    lookup_value_regex = "[0-9]{1,18}"
    permission_classes = (IsAuthenticatedOrReadOnly,)
    serializer_class = ListingSerializer
    filterset_class = ListingFilter
    queryset = Listing.objects.none()

    def get_queryset(self) -> QuerySet[Listing]:
        """What is on sale, and the caller's own."""
        caller = account_id(self.request) if self.request.user.is_authenticated else None
        return queries.visible_listings(caller)

    def perform_create(self, serializer: Any) -> None:
        """The caller is the seller."""
        serializer.save(seller=queries.find_account(account_id(self.request)))

    @extend_schema(
        request=BuySerializer,
        responses={202: AcceptedOrderSerializer},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated], throttle_scope="buy")
    def buy(self, request: Request, pk: str) -> JsonResponse:
        """Buy it. The answer comes at once; the order settles behind it."""
        purchase = services.Purchase(
            listing_id=int(pk),
            buyer_id=account_id(request),
            quantity=wanted_quantity(request.data),
            trace=current_trace(),
            idempotency_key=idempotency_key(request),
        )
        order, replayed = services.buy_listing(purchase)
        return accepted(order, replayed=replayed)


def idempotency_key(request: Request) -> str | None:
    """The header of draft-ietf-httpapi-idempotency-key-header: visible ASCII, 255 characters at most."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise ValidationError({"Idempotency-Key": [f"Use 1 to {MAX_KEY_LENGTH} visible ASCII characters."]})
    return key


def wanted_quantity(body: Any) -> int:
    """How many the buyer wants. A serializer takes its time, so it is asked only about what is odd."""
    if isinstance(body, dict) and body.keys() <= {"quantity"}:
        quantity = body.get("quantity", 1)
        if type(quantity) is int and 1 <= quantity <= MAX_QUANTITY:
            return quantity
    serializer = BuySerializer(data=body)
    serializer.is_valid(raise_exception=True)
    return int(serializer.validated_data["quantity"])


def accepted(order: Order, *, replayed: bool) -> JsonResponse:
    """202 with where to look; what AcceptedOrderSerializer says."""
    url = status_url(order.id)
    answer = {
        "id": str(order.id),
        "status": Order.Status.PENDING,
        "status_url": url,
        "trace_id": order.trace_id,
    }
    headers = {"Location": url} | ({"Idempotent-Replayed": "true"} if replayed else {})
    return JsonResponse(answer, status=HTTPStatus.ACCEPTED, headers=headers)


def status_url(order_id: UUID) -> str:
    """Where the order can be looked at."""
    return reverse("order-detail", args=[order_id])
