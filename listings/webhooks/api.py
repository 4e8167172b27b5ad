"""Endpoints for the caller's webhooks, their deliveries and the log of these."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import generics, mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings.refusals import (
    AccountGone,
    NotYours,
    SecretJustChanged,
    TooManyWebhooks,
    WebhookNotFound,
    WebhookOff,
)
from listings.webhooks import endpoints
from listings.webhooks.models import WebhookDelivery, WebhookEndpoint
from listings.webhooks.serializers import (
    ChangeEndpointSerializer,
    DeliveryLogSerializer,
    DeliverySerializer,
    EndpointSerializer,
    SecretSerializer,
    as_given,
)
from microstore.auth.authentication import account_id
from microstore.http.filters import refuse_unknown
from microstore.http.max_body import takes_no_body
from microstore.http.problems import refuses

ENDPOINT = OpenApiParameter("endpoint_id", UUID, OpenApiParameter.PATH, description="The endpoint.")


@extend_schema_view(
    list=extend_schema(description="List your endpoints, newest first."),
    retrieve=extend_schema(description="Return one of your endpoints; its secret is not shown again."),
)
class WebhookViewSet(
    mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[WebhookEndpoint]
):
    """The caller's endpoints for webhooks."""

    throttle_scope: str | None = None
    lookup_value_regex = "[0-9a-fA-F-]{36}"
    serializer_class = EndpointSerializer
    queryset = WebhookEndpoint.objects.none()

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        return endpoints.endpoints_of(account_id(self.request))

    @extend_schema(request=EndpointSerializer, responses={201: SecretSerializer})
    @refuses(AccountGone, NotYours, TooManyWebhooks)
    def create(self, request: Request) -> Response:
        """Add an endpoint for the events of your sales. The answer has its secret, this once."""
        made = endpoints.make_endpoint(owner_id=account_id(request), **as_given(request.data))
        return Response(SecretSerializer(made).data, HTTPStatus.CREATED)

    @extend_schema(request=ChangeEndpointSerializer(partial=True))
    @refuses(WebhookNotFound, NotYours)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change an endpoint, or switch it off or on. Switched on, it is sent what waited meanwhile."""
        endpoint = self._own(pk)
        endpoints.ensure_may_watch(endpoint.scope, endpoint.owner)
        body = ChangeEndpointSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changed = endpoints.change_endpoint(endpoint, body.validated_data)
        return Response(EndpointSerializer(changed).data)

    @extend_schema(responses={204: OpenApiResponse(description="Deleted.")})
    @refuses(WebhookNotFound)
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete an endpoint and its log; what waits for it is not sent."""
        endpoints.delete_endpoint(self._own(pk))
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(responses=SecretSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret", throttle_scope="webhooks")
    @refuses(WebhookNotFound, NotYours, SecretJustChanged)
    @takes_no_body
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """Get a new secret. For a day the one before signs each request, too, and there is no third."""
        endpoint = self._own(pk)
        endpoints.ensure_may_watch(endpoint.scope, endpoint.owner)
        return Response(SecretSerializer(endpoints.rotate_secret(endpoint)).data)

    @extend_schema(responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"], throttle_scope="webhooks")
    @refuses(WebhookNotFound, WebhookOff)
    @takes_no_body
    def ping(self, request: Request, pk: str) -> Response:
        """Send an event of the type `ping`. Its delivery has the answer a moment later."""
        return Response(DeliverySerializer(endpoints.ping(self._own(pk))).data, HTTPStatus.ACCEPTED)

    def _own(self, pk: str) -> WebhookEndpoint:
        try:
            wanted = UUID(pk)
        except ValueError:
            raise WebhookNotFound(endpoints.NO_ENDPOINT) from None
        return endpoints.find_endpoint(wanted, owner_id=account_id(self.request))


class DeliveryFilter(filters.FilterSet):
    """Query parameters of the list of deliveries."""

    class Meta:
        model = WebhookDelivery
        fields = ("status",)


@extend_schema(parameters=[ENDPOINT])
class DeliveriesView(generics.ListAPIView[WebhookDelivery]):
    """The deliveries to one endpoint."""

    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    queryset = WebhookDelivery.objects.none()

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        own = endpoints.find_endpoint(self.kwargs["endpoint_id"], owner_id=account_id(self.request))
        return own.deliveries.all()

    @refuses(WebhookNotFound)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the deliveries to an endpoint, newest first. They are kept for 30 days."""
        return self.list(request, *args, **kwargs)


class DeliveryView(APIView):
    """One delivery with its log."""

    @extend_schema(parameters=[ENDPOINT], responses=DeliveryLogSerializer)
    @refuses(WebhookNotFound)
    def get(self, request: Request, endpoint_id: str, delivery_id: str) -> Response:
        """Return a delivery with each attempt: its time, its status and the beginning of the answer."""
        refuse_unknown(request, known=())
        return Response(DeliveryLogSerializer(_own_delivery(request, endpoint_id, delivery_id)).data)


class RedeliverView(APIView):
    """The repetition of a delivery."""

    throttle_scope = "webhooks"

    @extend_schema(parameters=[ENDPOINT], responses={202: DeliverySerializer})
    @refuses(WebhookNotFound, WebhookOff)
    @takes_no_body
    def post(self, request: Request, endpoint_id: str, delivery_id: str) -> Response:
        """Send a delivery again, with the same `webhook-id`, whatever became of it before."""
        again = endpoints.redeliver(_own_delivery(request, endpoint_id, delivery_id))
        return Response(DeliverySerializer(again).data, HTTPStatus.ACCEPTED)


def _own_delivery(request: Request, endpoint_id: str, delivery_id: str) -> WebhookDelivery:
    own = endpoints.find_endpoint(UUID(endpoint_id), owner_id=account_id(request))
    return endpoints.find_delivery(int(delivery_id), endpoint=own)
