"""API of orders, for their buyers and sellers."""

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.pagination import Cursor
from rest_framework.request import Request
from rest_framework.response import Response

from listings import queries
from listings.models import Order
from listings.orders.order_steps import steps_of
from listings.orders.serializers import OrderSerializer, TimelineSerializer
from listings.refusals import AlreadySettled
from listings.settling import cancel
from microstore.auth.authentication import account_id
from microstore.http.filters import IdFilter
from microstore.http.max_body import takes_no_body
from microstore.http.pagination import NewestFirst
from microstore.http.problem_schema import problems
from microstore.refusal import CONTENT_TYPE, refusal

SETTLED = OpenApiExample(
    "Too late",
    refusal(AlreadySettled("The order is completed already.")),
    response_only=True,
    status_codes=["409"],
    media_type=CONTENT_TYPE,
)


class MomentField(IsoDateTimeField):
    """A time whose year is 1 to 9999 also in UTC, as comparing it in the database needs."""

    def to_python(self, value: Any) -> datetime | None:
        moment: datetime | None = super().to_python(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class MomentFilter(filters.IsoDateTimeFilter):
    field_class = MomentField


class OrderFilter(filters.FilterSet):
    """Query parameters of the list: status, the caller's role, listing, checkout and time."""

    role = filters.ChoiceFilter(
        method="filter_role",
        choices=[("buyer", "buyer"), ("seller", "seller")],
        help_text="`buyer`: what I bought, `seller`: what I sold.",
    )
    listing = IdFilter("listing_id")
    checkout = filters.UUIDFilter("checkout_id")
    created_after = MomentFilter("created_at", "gte")
    created_before = MomentFilter("created_at", "lt")

    class Meta:
        model = Order
        fields = ("status",)

    def filter_role(self, orders: QuerySet[Order], _name: str, value: str) -> QuerySet[Order]:
        caller = account_id(self.request)
        return orders.filter(**{"buyer_id" if value == "buyer" else "listing__seller_id": caller})


class OrderPages(NewestFirst):
    """Pages of the caller's orders, bought and sold."""

    def narrow(self, rows: QuerySet[Order], request: Request) -> QuerySet[Order]:
        # PostgreSQL has no index for "bought or sold", and reads the shop's orders from the newest on until a
        # page is full: all of them for somebody who has few. It has one for each role.
        if request.query_params.get("role"):
            return rows
        cursor = self.decode_cursor(request) or Cursor(offset=0, reverse=False, position=None)
        if cursor.position:
            rows = rows.filter(**{"pk__gt" if cursor.reverse else "pk__lt": cursor.position})
        ordered = rows.order_by("pk" if cursor.reverse else "-pk").values("pk")
        count = cursor.offset + self.get_page_size(request) + 1
        caller = account_id(request)
        bought, sold = (
            ordered.filter(own)[:count] for own in (Q(buyer_id=caller), Q(listing__seller_id=caller))
        )
        return rows.filter(pk__in=bought.union(sold, all=True))


@extend_schema_view(
    list=extend_schema(description="List your orders, as buyer and as seller, newest first."),
    retrieve=extend_schema(description="Return an order that you bought or sold."),
)
class OrderViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Order]):
    """The caller's orders, as buyer or seller."""

    lookup_value_regex = "[0-9a-fA-F-]{36}"
    serializer_class = OrderSerializer
    filterset_class = OrderFilter
    pagination_class = OrderPages
    queryset = Order.objects.none()

    def get_queryset(self) -> QuerySet[Order]:
        return queries.orders_of(account_id(self.request))

    @extend_schema(
        responses={
            200: OrderSerializer,
            **problems(
                _401="Log in.",
                _403="Only its buyer may cancel it.",
                _404="No order of yours.",
                _409="It is settled.",
                _429="You have cancelled too many of the last hour's orders.",
            ),
        },
        examples=[SETTLED],
    )
    @action(detail=True, methods=["post"])
    @takes_no_body
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel your pending order. Its stock is available at once. Repeating it changes nothing."""
        order = cancel.cancel_order(self.get_object().pk, buyer_id=account_id(request))
        return Response(self.get_serializer(order).data)

    @extend_schema(
        responses={
            200: OpenApiResponse(TimelineSerializer),
            **problems(_401="Log in.", _404="No order of yours."),
        }
    )
    @action(detail=True, pagination_class=None, filterset_class=None)
    def timeline(self, request: Request, pk: str) -> Response:
        """List the steps of an order and their times, as far as this service knows."""
        order = self.get_object()
        timeline: dict[str, Any] = {
            "order": order.pk,
            "trace_id": order.trace_id,
            "steps": list(steps_of(order)),
        }
        return Response(TimelineSerializer(timeline).data)
