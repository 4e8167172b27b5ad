"""Endpoint by which the owner of an account gets an archive of what is stored of it."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings import queries
from listings.accounts.exporting import find_or_request, read_archive
from listings.refusals import AccountGone
from microstore.auth.authentication import account_id
from microstore.http.filters import refuse_unknown
from microstore.http.problems import refuses

RETRY_AFTER = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, response=[202], description="Seconds to wait."
)
FILE_NAME = "microstore.zip"


class ExportSerializer(serializers.Serializer[Any]):
    """An archive that is being made."""

    status = serializers.ChoiceField(choices=["being_made"])
    requested_at = serializers.DateTimeField()


class ExportView(APIView):
    """The archive of what is stored of the caller's account."""

    @extend_schema(
        parameters=[RETRY_AFTER],
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            202: OpenApiResponse(ExportSerializer, description="It is being made."),
        },
    )
    @refuses(AccountGone)
    def get(self, request: Request) -> HttpResponse | Response:
        """Get an archive of your data, a ZIP of JSON files. It is made first, by both services: repeat this.

        The first request has it made. Once it is made it is yours for a day; a request after that has a new
        one made.
        """
        refuse_unknown(request, known=())
        user = queries.find_account(account_id(request))
        export = find_or_request(user.pk, request=request)
        archive = read_archive(export) if export.ready_at else None
        if archive is not None:
            return respond_with(archive)
        body = ExportSerializer({"status": "being_made", "requested_at": export.requested_at}).data
        return Response(body, status=202, headers={"Retry-After": "2"})


def respond_with(archive: bytes) -> HttpResponse:
    """Return the response that a browser saves as a file."""
    headers = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"'}
    return HttpResponse(archive, content_type="application/zip", headers=headers)
