"""Buying several things at once."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.http import JsonResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from listings.buying.api import IDEMPOTENCY_KEY, REPLAYED, status_url, valid_key
from listings.buying.checkout import Checkout, Item, check_out
from listings.buying.place import Placed
from listings.buying.serializers import (
    AcceptedCheckoutSerializer,
    CheckoutSerializer,
    RefusedCheckoutSerializer,
    seen_offer,
)
from listings.models import Order
from listings.refusals import CheckoutRefused, SoldOut
from microstore.auth.authentication import account_id
from microstore.http.problem_schema import problems
from microstore.refusal import CONTENT_TYPE, refusal
from microstore.telemetry.tracing import current_trace, trace_id_of

CHECKOUT = "01a20465-7ba7-742f-b6f6-4741a701e430"
ORDER = "01a20465-7ba7-742f-b6f6-4741a701e43b"
LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, response=[202], description="The checkout."
)
REQUEST = OpenApiExample(
    "Two things",
    {"items": [{"listing": 3, "quantity": 2}, {"listing": 8}]},
    request_only=True,
)
ACCEPTED = OpenApiExample(
    "Accepted",
    {
        "id": CHECKOUT,
        "status_url": f"/api/checkouts/{CHECKOUT}/",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "orders": [
            {
                "id": ORDER,
                "listing": 3,
                "quantity": 2,
                "status": "pending",
                "status_url": f"/api/orders/{ORDER}/",
            }
        ],
    },
    response_only=True,
    status_codes=["202"],
)
REFUSED = OpenApiExample(
    "Refused",
    refusal(CheckoutRefused({1: (8, SoldOut("It is sold out."))}, of=2)),
    response_only=True,
    status_codes=["409"],
    media_type=CONTENT_TYPE,
)


class CheckoutsView(APIView):
    """Buying several things at once: all of them, or none."""

    throttle_scope = "checkout"

    @extend_schema(
        request=CheckoutSerializer,
        responses={
            202: AcceptedCheckoutSerializer,
            (409, CONTENT_TYPE): OpenApiResponse(
                RefusedCheckoutSerializer, "Some items cannot be had; nothing was ordered."
            ),
            **problems(
                _400="The request is invalid.",
                _401="Log in.",
                _422="The Idempotency-Key was used for another request.",
                _429="Too often.",
            ),
        },
        parameters=[IDEMPOTENCY_KEY, REPLAYED, LOCATION],
        examples=[REQUEST, ACCEPTED, REFUSED],
    )
    def post(self, request: Request) -> JsonResponse:
        """Buy several items, all or none. The answer comes at once, while the orders are pending."""
        body = CheckoutSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        checkout = Checkout(
            items=[
                Item(item["listing"], item["quantity"], seen_offer(item))
                for item in body.validated_data["items"]
            ],
            buyer_id=account_id(request),
            trace=current_trace(),
            idempotency_key=valid_key(request.META.get("HTTP_IDEMPOTENCY_KEY")),
        )
        orders, replayed = check_out(checkout)
        answer = accepted(orders)
        headers = {"Location": answer["status_url"]} | ({"Idempotent-Replayed": "true"} if replayed else {})
        return JsonResponse(answer, status=HTTPStatus.ACCEPTED, headers=headers)


def accepted(orders: Sequence[Placed]) -> dict[str, Any]:
    """Return the answer to a checkout: the same for a repeat, whatever has become of its orders."""
    first = orders[0]
    return {
        "id": str(first.checkout_id),
        "status_url": reverse("checkout", args=[first.checkout_id]),
        "trace_id": trace_id_of(first.trace),
        "orders": [
            {
                "id": str(order.id),
                "listing": order.listing_id,
                "quantity": order.quantity,
                "status": Order.Status.PENDING,
                "status_url": status_url(order.id),
            }
            for order in orders
        ],
    }
