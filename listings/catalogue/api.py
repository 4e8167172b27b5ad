"""API of the catalogue: listings and categories."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings import queries
from listings.catalogue import selling
from listings.catalogue.etags import etag, known_editions
from listings.catalogue.filters import ListingFilter, ListingPages
from listings.catalogue.serializers import (
    CategorySerializer,
    EditListingSerializer,
    ListingSerializer,
)
from listings.models import Category, Listing
from listings.refusals import (
    AccountGone,
    AddressNotVerified,
    AlreadyOrdered,
    EditionMissing,
    EditionOutdated,
    ListingNotFound,
    NotYours,
    WithdrawnByStaff,
)
from microstore.auth.authentication import account_id
from microstore.http.filters import refuse_unknown
from microstore.http.max_body import takes_no_body
from microstore.http.problems import refuses

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
ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="The edition, for `If-Match`."
)
DELETED = OpenApiResponse(description="Deleted.")
NOT_OWN = (ListingNotFound, NotYours, AccountGone)


class CategoriesView(APIView):
    """Categories that listings belong to."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(responses=CategorySerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the categories of listings."""
        refuse_unknown(request, known=())
        return Response([{"id": category.value, "name": category.label} for category in Category])


@extend_schema_view(
    list=extend_schema(description="List what is on sale, and your own drafts and withdrawn listings."),
    create=extend_schema(description="Put something on sale, or keep it as a draft.", parameters=[ETAG]),
)
class ListingViewSet(
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.ListModelMixin,
    viewsets.GenericViewSet[Listing],
):
    """Listings on sale, and those of the caller."""

    throttle_scope: str | None = None
    lookup_value_regex = "[0-9]{1,18}"
    permission_classes = (IsAuthenticatedOrReadOnly,)
    serializer_class = ListingSerializer
    filterset_class = ListingFilter
    pagination_class = ListingPages
    queryset = Listing.objects.none()

    def get_queryset(self) -> QuerySet[Listing]:
        caller = account_id(self.request) if self.request.user.is_authenticated else None
        return queries.visible_listings(caller)

    @refuses(AccountGone, AddressNotVerified)
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().create(request, *args, **kwargs)

    def perform_create(self, serializer: Any) -> None:
        serializer.save(seller=queries.find_account(account_id(self.request)))
        self.headers |= etag(serializer.instance)

    @extend_schema(parameters=[ETAG])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a listing. Send its `ETag` as `If-Match` to edit it."""
        return self._response(self.get_object())

    @extend_schema(parameters=[NEEDED_EDITION, ETAG], request=EditListingSerializer(partial=True))
    @refuses(*NOT_OWN, EditionMissing, EditionOutdated, AlreadyOrdered, WithdrawnByStaff)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Edit your listing. A change of `quantity` changes `available` by the same amount."""
        editions = known_editions(request, needed=True)
        listing = self._own(pk)
        body = EditListingSerializer(listing, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        return self._response(selling.edit_listing(listing, body.validated_data, editions=editions))

    @extend_schema(parameters=[KNOWN_EDITION, ETAG], responses={204: DELETED, 200: ListingSerializer})
    @refuses(*NOT_OWN, EditionOutdated, WithdrawnByStaff)
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete your listing. One that has orders is withdrawn instead, and returned."""
        withdrawn = selling.delete_listing(self._own(pk), editions=known_editions(request))
        return self._response(withdrawn) if withdrawn else Response(status=204)

    @extend_schema(parameters=[KNOWN_EDITION, ETAG])
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    @refuses(*NOT_OWN, EditionOutdated, WithdrawnByStaff, AddressNotVerified)
    @takes_no_body
    def publish(self, request: Request, pk: str) -> Response:
        """Put your draft, or a listing that you withdrew, on sale; not one that staff withdrew."""
        return self._response(selling.publish_listing(self._own(pk), editions=known_editions(request)))

    @extend_schema(parameters=[KNOWN_EDITION, ETAG])
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    @refuses(*NOT_OWN, EditionOutdated)
    @takes_no_body
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take your listing off sale. Existing orders stay valid."""
        return self._response(selling.withdraw_listing(self._own(pk), editions=known_editions(request)))

    def _own(self, pk: str) -> Listing:
        return selling.own_listing(int(pk), seller_id=account_id(self.request))

    def _response(self, listing: Listing) -> Response:
        return Response(self.get_serializer(listing).data, headers=etag(listing))
