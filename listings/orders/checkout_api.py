"""API of a checkout that was made, for its buyer."""

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings.models import Order
from listings.orders.checkouts import find_checkout
from listings.orders.serializers import PlacedCheckoutSerializer
from listings.refusals import OrderNotFound
from microstore.auth.authentication import account_id
from microstore.http.filters import refuse_unknown
from microstore.http.problems import refuses

CHECKOUT_ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH, description="The checkout.")


class CheckoutView(APIView):
    """A checkout that the caller has made."""

    @extend_schema(parameters=[CHECKOUT_ID], responses=PlacedCheckoutSerializer)
    @refuses(OrderNotFound)
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002  # as the path names it
        """Return a checkout that you have made, with its orders and what was bought."""
        refuse_unknown(request, known=())
        own = Order.objects.filter(buyer=account_id(request)).select_related("listing", "past_edition")
        checkout = find_checkout(id, own)
        return Response(PlacedCheckoutSerializer(checkout, context={"request": request}).data)
