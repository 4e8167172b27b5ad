"""API by which users report a listing that breaks the rules."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings.catalogue.reports import report_listing
from listings.catalogue.seller_text import validate_paragraphs
from listings.models import Report
from listings.refusals import AccountGone, ListingNotFound, OwnListing
from microstore.auth.authentication import account_id
from microstore.http.problems import refuses
from microstore.http.serializers import RefuseUnknownFields, StrictCharField

MAX_CHARACTERS = 1_000


class ReportSerializer(RefuseUnknownFields):
    """A reason, and what staff should know."""

    reason = serializers.ChoiceField(Report.Reason.choices)
    text = StrictCharField(
        max_length=MAX_CHARACTERS,
        required=False,
        allow_blank=True,
        default="",
        validators=[validate_paragraphs],
        help_text="What staff should know.",
    )


class ReportView(APIView):
    """Reports of a listing."""

    throttle_scope = "report"

    @extend_schema(
        request=ReportSerializer, responses={202: OpenApiResponse(description="Staff will look at it.")}
    )
    @refuses(ListingNotFound, OwnListing, AccountGone)
    def post(self, request: Request, pk: str) -> Response:
        """Report a listing to staff, also again: while a report of yours waits, it stays as it is."""
        body = ReportSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        report_listing(int(pk), reporter_id=account_id(request), **body.validated_data)
        return Response(status=202)
