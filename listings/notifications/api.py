"""Endpoints for the caller's notifications."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from listings.notifications.models import Notification
from listings.notifications.reading import read_all, read_notification
from microstore.auth.authentication import account_id
from microstore.http.filters import StrictBooleanFilter
from microstore.http.max_body import takes_no_body
from microstore.http.pagination import NewestFirst
from microstore.http.problem_schema import problems


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    """A notification of its recipient about an order or a checkout."""

    listing = serializers.IntegerField(source="order.listing_id", read_only=True)
    checkout = serializers.UUIDField(
        source="order.checkout_id",
        read_only=True,
        allow_null=True,
        help_text="The checkout that its order belongs to, or that it is about.",
    )

    class Meta:
        model = Notification
        fields = ("id", "kind", "role", "text", "order", "listing", "checkout", "created_at", "read_at")
        read_only_fields = fields


class UnreadSerializer(serializers.Serializer[Any]):
    """Number of unread notifications."""

    unread = serializers.IntegerField()


class NotificationPages(NewestFirst):
    """Pages with `unread`, the number of unread notifications on all pages."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        self.unread = Notification.objects.filter(recipient=account_id(request), read_at=None).count()
        return super().paginate_queryset(queryset, request, view)

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        response.data["unread"] = self.unread
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        page["properties"]["unread"] = {"type": "integer", "description": "Of all pages.", "example": 3}
        page["required"] = [*page.get("required", []), "unread"]
        return page


class NotificationFilter(filters.FilterSet):
    """Filter by read or unread."""

    unread = StrictBooleanFilter("read_at", "isnull")

    class Meta:
        model = Notification
        fields = ()


EXAMPLE = OpenApiExample(
    "A purchase",
    {
        "id": 9,
        "kind": "order_completed",
        "role": "buyer",
        "text": "You bought 2 × Crunchy armchair for 51.45 EUR.",
        "order": "01a20465-7ba7-742f-b6f6-4741a701e43b",
        "listing": 3,
        "checkout": None,
        "created_at": "2026-11-24T17:54:49.512064Z",
        "read_at": None,
    },
    response_only=True,
    status_codes=["200"],
)


@extend_schema_view(list=extend_schema(description="List your notifications, newest first."))
class NotificationViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Notification]):
    """Notifications of the caller about orders, newest first."""

    lookup_value_regex = "[0-9]{1,18}"
    serializer_class = NotificationSerializer
    pagination_class = NotificationPages
    filterset_class = NotificationFilter
    queryset = Notification.objects.none()

    def get_queryset(self) -> QuerySet[Notification]:
        return Notification.objects.filter(recipient=account_id(self.request)).select_related("order")

    @extend_schema(
        responses={
            200: NotificationSerializer,
            **problems(_401="Log in.", _404="You have no such notification."),
        },
        examples=[EXAMPLE],
    )
    @action(detail=True, methods=["post"])
    @takes_no_body
    def read(self, request: Request, pk: str) -> Response:
        """Mark a notification as read. Repeating the request changes nothing."""
        notification = read_notification(int(pk), recipient_id=account_id(request))
        return Response(self.get_serializer(notification).data)

    @extend_schema(
        responses={200: UnreadSerializer, **problems(_401="Log in.")},
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="read-all")
    @takes_no_body
    def read_all(self, request: Request) -> Response:
        """Mark all notifications as read."""
        read_all(recipient_id=account_id(request))
        return Response({"unread": 0})
