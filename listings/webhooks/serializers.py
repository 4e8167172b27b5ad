"""Requests and responses of the webhooks API."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from listings.catalogue.seller_text import validate_line
from listings.webhooks.addresses import Forbidden, check_url
from listings.webhooks.events import EVENT_TYPES
from listings.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from microstore.http.serializers import (
    BoundedListField,
    RefuseUnknownFields,
    StrictBooleanField,
    StrictCharField,
)

HOOK = {"url": "https://shop.example/hooks", "events": ["order.completed", "order.refunded"]}


def validate_url(url: str) -> None:
    """Raise ValidationError where nothing may be sent to the address."""
    try:
        check_url(url)
    except Forbidden as error:
        raise serializers.ValidationError(str(error)) from None


class EndpointFields(RefuseUnknownFields, serializers.ModelSerializer[WebhookEndpoint]):
    """Fields of an endpoint that its owner may change."""

    url = StrictCharField(max_length=500, validators=[validate_url], help_text="HTTPS, a public address.")
    events = BoundedListField(
        child=serializers.ChoiceField(choices=EVENT_TYPES),
        allow_empty=False,
        max_length=len(EVENT_TYPES),
        help_text="Types of the events that are sent.",
    )
    description = StrictCharField(
        max_length=100, required=False, allow_blank=True, validators=[validate_line]
    )

    def validate_events(self, events: list[str]) -> list[str]:
        return sorted(set(events))


@extend_schema_serializer(examples=[OpenApiExample("Completed sales", HOOK, request_only=True)])
class EndpointSerializer(EndpointFields):
    """An endpoint, without its secrets."""

    class Meta:
        model = WebhookEndpoint
        fields: tuple[str, ...] = (
            *("id", "url", "scope", "events", "description", "enabled", "off_reason", "failing_since"),
            *("previous_secret_until", "created_at"),
        )
        read_only_fields: tuple[str, ...] = (
            *("id", "enabled", "off_reason", "failing_since", "previous_secret_until", "created_at"),
        )


class ChangeEndpointSerializer(EndpointFields):
    """The changes of an endpoint."""

    enabled = StrictBooleanField(help_text="On again, it is sent what waited.")

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "events", "description", "enabled")


class SecretSerializer(EndpointSerializer):
    """An endpoint with its secret, which is shown once."""

    class Meta(EndpointSerializer.Meta):
        fields = (*EndpointSerializer.Meta.fields, "secret")
        read_only_fields = fields


class AttemptSerializer(serializers.ModelSerializer[WebhookAttempt]):
    """An attempt, and what the endpoint answered."""

    class Meta:
        model = WebhookAttempt
        fields = ("made_at", "duration_ms", "status_code", "answer", "error")
        read_only_fields = fields


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """An event for an endpoint."""

    webhook_id = serializers.CharField(read_only=True, help_text="The header `webhook-id` of each attempt.")

    class Meta:
        model = WebhookDelivery
        fields: tuple[str, ...] = (
            "id",
            "webhook_id",
            "event_type",
            "status",
            "attempts",
            "due_at",
            "created_at",
            "settled_at",
        )
        read_only_fields: tuple[str, ...] = fields


class DeliveryLogSerializer(DeliverySerializer):
    """An event for an endpoint, with its body and the log of its attempts, oldest first."""

    log = AttemptSerializer(many=True, read_only=True, source="attempts_made")
    body = serializers.CharField(read_only=True, help_text="As it is sent.")

    class Meta(DeliverySerializer.Meta):
        fields = (*DeliverySerializer.Meta.fields, "body", "log")
        read_only_fields = fields


def as_given(data: Any) -> dict[str, Any]:
    """Return the validated fields of a new endpoint; raises ValidationError."""
    serializer = EndpointSerializer(data=data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
