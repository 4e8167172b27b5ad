"""Endpoint by which the owner of an account deletes it."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings import queries
from listings.accounts.deletion import delete_own_account
from listings.refusals import AccountGone, StaffAccount, WrongPassword
from microstore.auth.authentication import account_id
from microstore.http.problems import refuses
from microstore.http.serializers import RefuseUnknownFields, StrictCharField
from microstore.refusal import TooManyFailures


class DeleteAccountSerializer(RefuseUnknownFields):
    """The password of the account that is to be deleted."""

    password = StrictCharField(max_length=128, trim_whitespace=False)


class DeleteAccountView(APIView):
    """The end of the caller's account."""

    throttle_scope = "token"

    @extend_schema(
        request=DeleteAccountSerializer,
        responses={202: OpenApiResponse(description="No log-in and no sale any more; the rest follows.")},
    )
    @refuses(AccountGone, WrongPassword, StaffAccount, TooManyFailures)
    def post(self, request: Request) -> Response:
        """Delete your account. Pending purchases are cancelled, sales finish first; it cannot be undone."""
        body = DeleteAccountSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = queries.find_account(account_id(request))
        delete_own_account(user, **body.validated_data, request=request)
        return Response(status=202)
