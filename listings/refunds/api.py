"""API of an order's refunds: its seller and finance request them, its buyer and seller see them."""

from http import HTTPStatus
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from listings import queries
from listings.buying.api import IDEMPOTENCY_KEY, REPLAYED, valid_key
from listings.models import Refund
from listings.refunds.request import RefundRequest, request_refund
from listings.refunds.serializers import RefundSerializer, RequestRefundSerializer
from listings.refusals import (
    AccountGone,
    KeyReused,
    NotRefundable,
    NotYours,
    OrderNotFound,
    RefundTooLarge,
)
from microstore.auth.authentication import account_id
from microstore.http import problems

ORDER_ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH, description="The order.")


@extend_schema(parameters=[ORDER_ID])
class RefundsView(ListAPIView[Refund]):
    """The refunds of an order."""

    serializer_class = RefundSerializer
    queryset = Refund.objects.none()

    def get_queryset(self) -> QuerySet[Refund]:
        order = queries.orders_of(account_id(self.request)).filter(id=self.kwargs["id"]).first()
        if order is None:
            raise OrderNotFound(gettext("You have no such order."))
        return order.refunds.select_related("order")

    @problems.refuses(OrderNotFound)
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        """List the refunds of an order, newest first."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=RequestRefundSerializer,
        responses={202: RefundSerializer},
        parameters=[ORDER_ID, IDEMPOTENCY_KEY, REPLAYED],
    )
    @problems.refuses(OrderNotFound, NotYours, NotRefundable, RefundTooLarge, KeyReused, AccountGone)
    def post(self, request: Request, id: UUID) -> Response:  # noqa: A002  # as the path names it
        """Refund an order you sold, in whole or in part. The answer comes at once; it is decided behind it.

        The amount is of what the buyer paid. It holds the same share of the fee as the total did when the
        order was sold: of all that is refunded, rounded half up to a whole minor unit. `status` becomes
        `refunded`, or `refused` with `refusal` as the cause; the order becomes `partly_refunded` or
        `refunded`.
        """
        serializer = RequestRefundSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        refund, replayed = request_refund(
            RefundRequest(
                order_id=id,
                requested_by_id=account_id(request),
                key=valid_key(request.META.get("HTTP_IDEMPOTENCY_KEY")),
                **serializer.validated_data,
            )
        )
        headers = {"Idempotent-Replayed": "true"} if replayed else {}
        return Response(RefundSerializer(refund).data, status=HTTPStatus.ACCEPTED, headers=headers)
