"""Buying what is for sale."""

import json
from functools import cache
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from listings import services
from listings.models import MAX_QUANTITY, Order
from listings.refusals import AccountGone, KeyReused, ListingNotFound, OwnListing, SoldOut
from listings.serializers import AcceptedOrderSerializer, BuySerializer
from microstore import problems
from microstore.authentication import TokenAuthentication, account_id
from microstore.tracing import current_trace, trace_id_of

MAX_KEY_LENGTH = 255
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="Your name for this purchase: repeated with it, it is made once.",
)
REPLAYED = OpenApiParameter(
    "Idempotent-Replayed", str, OpenApiParameter.HEADER, response=[202], description="`true` for a repeat."
)
LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, response=[202], description="The order."
)
PLAIN_ACCEPT = (None, "*/*", "application/json")


class BuyView(APIView):
    """Buy it. The answer comes at once; the order settles behind it."""

    throttle_scope = "buy"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A plain purchase goes past DRF, which costs more than it; all else is DRF's (decision 0046)."""
        return self._buy_plainly(request, **kwargs) or super().dispatch(request, *args, **kwargs)

    @extend_schema(
        request=BuySerializer,
        responses={202: AcceptedOrderSerializer},
        parameters=[IDEMPOTENCY_KEY, REPLAYED, LOCATION],
    )
    @problems.refuses(ListingNotFound, SoldOut, OwnListing, KeyReused, AccountGone)
    def post(self, request: Request, pk: str) -> JsonResponse:
        """Buy it. The answer comes at once; the order settles behind it."""
        return buy(request, pk, buyer_id=account_id(request), quantity=wanted_quantity(request.data))

    def _buy_plainly(self, request: HttpRequest, pk: str) -> JsonResponse | None:
        """The answer, or None where there is anything to be said about the request but yes or no."""
        account = TokenAuthentication.known_account(request)
        quantity = plain_quantity(request)
        if request.method != "POST" or account is None or quantity is None:
            return None
        request.user = account  # type: ignore[assignment]  # no Django user
        self.headers = self.default_response_headers
        asked = cast("Request", request)
        if not all(throttle.allow_request(asked, self) for throttle in self.get_throttles()):
            return None
        try:
            response = buy(asked, pk, buyer_id=account.account_id, quantity=quantity)
        except Exception as error:
            refused = problems.as_json(error)
            if refused is None:
                raise
            response = refused
        for name, value in self.headers.items():
            response[name] = value
        return response


def buy(request: Request, listing_id: str, *, buyer_id: int, quantity: int) -> JsonResponse:
    """Place the order; 202 with where to look, as AcceptedOrderSerializer says."""
    purchase = services.Purchase(
        listing_id=int(listing_id),
        buyer_id=buyer_id,
        quantity=quantity,
        trace=current_trace(),
        idempotency_key=idempotency_key(request),
    )
    return accepted(services.buy_listing(purchase))


def idempotency_key(request: Request) -> str | None:
    """The header of draft-ietf-httpapi-idempotency-key-header: visible ASCII, 255 characters at most."""
    key = cast("str | None", request.META.get("HTTP_IDEMPOTENCY_KEY"))
    if key is not None and not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise ValidationError({"Idempotency-Key": [f"Use 1 to {MAX_KEY_LENGTH} visible ASCII characters."]})
    return key


def plain_quantity(request: HttpRequest) -> int | None:
    """How many the buyer wants, where the request is JSON for JSON and has nothing odd; else None."""
    accept = request.META.get("HTTP_ACCEPT")
    if request.content_type != "application/json" or accept not in PLAIN_ACCEPT:
        return None
    try:
        body = json.loads(request.body.decode())
    except Exception:  # noqa: BLE001  # whatever ails it, DRF has the words for it
        return None
    if not isinstance(body, dict) or not body.keys() <= {"quantity"}:
        return None
    quantity = body.get("quantity", 1)
    return quantity if type(quantity) is int and 1 <= quantity <= MAX_QUANTITY else None


def wanted_quantity(body: Any) -> int:
    """How many the buyer wants, or a ValidationError that says what is wrong."""
    serializer = BuySerializer(data=body)
    serializer.is_valid(raise_exception=True)
    return int(serializer.validated_data["quantity"])


def accepted(receipt: services.Receipt) -> JsonResponse:
    """202 with where to look."""
    url = status_url(receipt.order_id)
    answer = {
        "id": str(receipt.order_id),
        "status": Order.Status.PENDING,
        "status_url": url,
        "trace_id": trace_id_of(receipt.trace),
    }
    headers = {"Location": url} | ({"Idempotent-Replayed": "true"} if receipt.replayed else {})
    return JsonResponse(answer, status=HTTPStatus.ACCEPTED, headers=headers)


def status_url(order_id: UUID) -> str:
    """Where the order can be looked at."""
    return f"{_orders_url()}{order_id}/"


@cache
def _orders_url() -> str:
    """Found once: `reverse` takes longer than all the rest of the answer."""
    return reverse("order-list")
