"""The endpoint of a purchase: its request becomes a Purchase, its order the answer."""

from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from django.http import JsonResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from listings.buying.offer import Offer
from listings.buying.place import Placed, Purchase
from listings.buying.purchase import buy_listing
from listings.buying.serializers import AcceptedOrderSerializer, BuySerializer, seen_offer
from listings.catalogue.etags import known_editions
from listings.models import Order
from listings.refusals import (
    AccountGone,
    EditionOutdated,
    KeyReused,
    ListingNotFound,
    OwnListing,
    PriceChanged,
    SoldOut,
    TooManyOpenOrders,
    TooManyPieces,
)
from microstore.auth.authentication import account_id
from microstore.http import problems
from microstore.telemetry.tracing import current_trace, trace_id_of

MAX_KEY_LENGTH = 255
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="Your name for this request: repeated with it, it is done once.",
)
SEEN_EDITION = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` of the listing as the buyer has seen it: any later change is refused.",
)
REPLAYED = OpenApiParameter(
    "Idempotent-Replayed", str, OpenApiParameter.HEADER, response=[202], description="`true` for a repeat."
)
LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, response=[202], description="The order."
)


class BuyView(APIView):
    """The purchase of a listing, answered at once; the order settles behind it."""

    throttle_scope = "buy"

    @extend_schema(
        request=BuySerializer,
        responses={202: AcceptedOrderSerializer},
        parameters=[IDEMPOTENCY_KEY, SEEN_EDITION, REPLAYED, LOCATION],
    )
    @problems.refuses(
        *(ListingNotFound, SoldOut, PriceChanged, EditionOutdated, OwnListing, KeyReused, AccountGone),
        *(TooManyPieces, TooManyOpenOrders),
    )
    def post(self, request: Request, pk: str) -> JsonResponse:
        """Buy a listing. The answer comes at once, while the order is pending."""
        body, headers = buy(
            int(pk),
            buyer_id=account_id(request),
            key=request.META.get("HTTP_IDEMPOTENCY_KEY"),
            **read_body(request),
        )
        return JsonResponse(body, status=HTTPStatus.ACCEPTED, headers=headers)


class Answer(NamedTuple):
    """Body and headers of a 202, as AcceptedOrderSerializer describes it."""

    body: dict[str, str]
    headers: dict[str, str]


def buy(
    listing_id: int, *, buyer_id: int, quantity: int, key: str | None, seen: Offer | None = None
) -> Answer:
    """Place the order in the current trace; raises Refusal, ValidationError for the key."""
    purchase = Purchase(
        listing_id=listing_id,
        buyer_id=buyer_id,
        quantity=quantity,
        trace=current_trace(),
        idempotency_key=valid_key(key),
        seen=seen,
    )
    return accepted(*buy_listing(purchase))


def valid_key(key: str | None) -> str | None:
    """Return the key as draft-ietf-httpapi-idempotency-key-header has it; raises ValidationError."""
    if key is not None and not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise ValidationError({"Idempotency-Key": [f"Use 1 to {MAX_KEY_LENGTH} visible ASCII characters."]})
    return key


def read_body(request: Request) -> dict[str, Any]:
    """Return quantity and seen offer, by body and If-Match; raises ValidationError."""
    serializer = BuySerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    seen, editions = seen_offer(serializer.validated_data), known_editions(request)
    if editions is not None:
        seen = (seen or Offer())._replace(editions=editions)
    return {"quantity": serializer.validated_data["quantity"], "seen": seen}


def accepted(order: Placed, replayed: bool) -> Answer:
    """Return the answer to a purchase: the same for a repeat, whatever has become of the order."""
    url = status_url(order.id)
    body = {
        "id": str(order.id),
        "status": Order.Status.PENDING,
        "status_url": url,
        "trace_id": trace_id_of(order.trace),
    }
    headers = {"Location": url} | ({"Idempotent-Replayed": "true"} if replayed else {})
    return Answer(body, headers)


def status_url(order_id: UUID) -> str:
    """Return the path of the order in the API."""
    return f"{_orders_url()}{order_id}/"


@cache
def _orders_url() -> str:
    # Cached: `reverse` takes longer than all the rest of the answer.
    return reverse("order-list")
