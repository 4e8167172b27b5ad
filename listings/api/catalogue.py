"""The catalogue: what is for sale, and buying it."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import JsonResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny, IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings import catalogue, queries, services
from listings.api.editions import etag, known_editions
from listings.api.filters import ListingFilter, ListingPages
from listings.models import MAX_QUANTITY, Category, Listing, Order
from listings.serializers import (
    AcceptedOrderSerializer,
    BuySerializer,
    CategorySerializer,
    EditListingSerializer,
    ListingSerializer,
)
from microstore.authentication import account_id
from microstore.tracing import current_trace

MAX_KEY_LENGTH = 255
KNOWN_EDITION = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The `ETag` of the listing as it was read, or `*`."
)
NEEDED_EDITION = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="The `ETag` of the listing as it was read, or `*`.",
)
DELETED = OpenApiResponse(description="It is gone.")


class CategoriesView(APIView):
    """The departments of the shop."""

    permission_classes = (AllowAny,)

    @extend_schema(responses=CategorySerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the categories."""
        return Response([{"id": category.value, "name": category.label} for category in Category])


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
    pagination_class = ListingPages
    queryset = Listing.objects.none()

    def get_queryset(self) -> QuerySet[Listing]:
        """What is on sale, and the caller's own."""
        caller = account_id(self.request) if self.request.user.is_authenticated else None
        return queries.visible_listings(caller)

    def perform_create(self, serializer: Any) -> None:
        """The caller is the seller."""
        serializer.save(seller=queries.find_account(account_id(self.request)))
        self.headers |= etag(serializer.instance)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Look at a listing. Its `ETag` is what an edit has to send."""
        return self._answer(self.get_object())

    @extend_schema(parameters=[NEEDED_EDITION], request=EditListingSerializer(partial=True))
    def partial_update(self, request: Request, pk: str) -> Response:
        """Edit your listing. A change of `quantity` changes `available` by as much."""
        editions = known_editions(request, needed=True)
        listing = self._own(pk)
        body = EditListingSerializer(listing, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        return self._answer(catalogue.edit_listing(listing, body.validated_data, editions=editions))

    @extend_schema(parameters=[KNOWN_EDITION], responses={204: DELETED, 200: ListingSerializer})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete your listing. One that has orders is withdrawn instead, and shown."""
        withdrawn = catalogue.delete_listing(self._own(pk), editions=known_editions(request))
        return self._answer(withdrawn) if withdrawn else Response(status=204)

    @extend_schema(parameters=[KNOWN_EDITION], request=None)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def publish(self, request: Request, pk: str) -> Response:
        """Put your draft, or what you withdrew, on sale; not what staff withdrew (`withdrawn-by-staff`)."""
        return self._answer(catalogue.publish_listing(self._own(pk), editions=known_editions(request)))

    @extend_schema(parameters=[KNOWN_EDITION], request=None)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take your listing off sale; what was ordered stays ordered."""
        return self._answer(catalogue.withdraw_listing(self._own(pk), editions=known_editions(request)))

    def _own(self, pk: str) -> Listing:
        return catalogue.own_listing(int(pk), seller_id=account_id(self.request))

    def _answer(self, listing: Listing) -> Response:
        return Response(self.get_serializer(listing).data, headers=etag(listing))

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
