"""Endpoints for the links of e-mails: verify the address, reset the password."""

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings import queries
from listings.accounts import links, mails
from listings.refusals import AccountGone, LinkOver
from microstore.auth.authentication import account_id
from microstore.http.max_body import takes_no_body
from microstore.http.problems import refuses
from microstore.http.serializers import RefuseUnknownFields, StrictCharField, StrictEmailField

REQUESTED = OpenApiResponse(description="Requested.")


class TokenSerializer(RefuseUnknownFields):
    """The token in the link of an e-mail."""

    token = StrictCharField(max_length=200)


class ResetSerializer(RefuseUnknownFields):
    """The address of an account whose password is forgotten."""

    email = StrictEmailField(max_length=254)


class NewPasswordSerializer(TokenSerializer):
    """The token of the link, and the new password."""

    new = StrictCharField(max_length=128, trim_whitespace=False)


class SendLinkView(APIView):
    """The e-mail with the link that verifies an address."""

    throttle_scope = "mail"

    @extend_schema(responses={202: REQUESTED})
    @refuses(AccountGone)
    @takes_no_body
    def post(self, request: Request) -> Response:
        """Resend the link that verifies your e-mail address, five times an hour at most."""
        mails.request_verification(queries.find_account(account_id(request)))
        return Response(status=202)


class VerifyView(APIView):
    """The verification of an address."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "token"

    @extend_schema(request=TokenSerializer, responses={204: OpenApiResponse(description="Verified.")})
    @refuses(LinkOver)
    def post(self, request: Request) -> Response:
        """Verify an e-mail address. The token of the e-mail is valid once, for three days."""
        body = TokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        links.verify_address(body.validated_data["token"], request=request)
        return Response(status=204)


class ForgottenView(APIView):
    """The e-mail with the link for a new password."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "mail"

    @extend_schema(request=ResetSerializer, responses={202: REQUESTED})
    def post(self, request: Request) -> Response:
        """Request a link for a new password. The answer is the same if nobody has the address."""
        body = ResetSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        mails.request_reset(body.validated_data["email"])
        return Response(status=202)


class ResetView(APIView):
    """The reset of a password."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "token"

    @extend_schema(request=NewPasswordSerializer, responses={204: OpenApiResponse(description="Set.")})
    @refuses(LinkOver)
    def post(self, request: Request) -> Response:
        """Set a new password. The token of the e-mail is valid once, for an hour. This ends all sessions."""
        body = NewPasswordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            links.reset_password(**body.validated_data, request=request)
        except DjangoValidationError as error:
            raise serializers.ValidationError({"new": error.messages}) from error
        return Response(status=204)
