"""Endpoints for accounts: registration, log-in and log-out, password, profile, public keys."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings import queries
from listings.accounts import profile, sessions
from listings.accounts.serializers import (
    LogInSerializer,
    PasswordSerializer,
    ProfileSerializer,
    RefreshTokenSerializer,
    RegisterSerializer,
    TokensSerializer,
)
from listings.refusals import AccountGone, SessionOver, WrongCredentials, WrongPassword
from microstore.auth.authentication import account_id
from microstore.auth.keys import FETCH_EVERY_SECONDS, PublicKeys, as_jwks, key_ring
from microstore.auth.tokens import RefreshToken
from microstore.http.filters import refuse_unknown
from microstore.http.problems import refuses
from microstore.refusal import TooManyFailures


class RegisterView(generics.CreateAPIView[Any]):
    """Register a new account."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "register"
    serializer_class = RegisterSerializer
    queryset = get_user_model().objects.none()


class LogInView(APIView):
    """An access token for half an hour, and a refresh token for a week."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "token"

    @extend_schema(request=LogInSerializer, responses=TokensSerializer)
    @refuses(WrongCredentials, TooManyFailures)
    def post(self, request: Request) -> Response:
        """Log in with name and password."""
        body = LogInSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return tokens(sessions.log_in(**body.validated_data, request=request))


class RefreshView(APIView):
    """The next tokens of a session."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "token"

    @extend_schema(request=RefreshTokenSerializer, responses=TokensSerializer)
    @refuses(SessionOver)
    def post(self, request: Request) -> Response:
        """Refresh the tokens. A refresh token is valid once; using it again ends the session."""
        return tokens(sessions.renew_session(refresh_token(request)))


class LogOutView(APIView):
    """The end of a session."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "token"

    @extend_schema(
        request=RefreshTokenSerializer, responses={204: OpenApiResponse(description="Logged out.")}
    )
    @refuses(SessionOver)
    def post(self, request: Request) -> Response:
        """Log out: the session's refresh tokens become invalid."""
        sessions.log_out(refresh_token(request))
        return Response(status=204)


class PasswordView(APIView):
    """The password of the caller."""

    throttle_scope = "token"

    @extend_schema(request=PasswordSerializer, responses=TokensSerializer)
    @refuses(AccountGone, WrongPassword, TooManyFailures)
    def post(self, request: Request) -> Response:
        """Change the password. This ends all sessions; the response has the tokens of a new one."""
        body = PasswordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = queries.find_account(account_id(request))
        try:
            profile.change_password(user, **body.validated_data, request=request)
        except DjangoValidationError as error:
            raise serializers.ValidationError({"new": error.messages}) from error
        return tokens(sessions.open_session(user, request=request))


class ProfileView(APIView):
    """The profile of the caller."""

    @extend_schema(responses=ProfileSerializer)
    @refuses(AccountGone)
    def get(self, request: Request) -> Response:
        """Get your own profile."""
        refuse_unknown(request, known=())
        return Response(ProfileSerializer(queries.find_account(account_id(request))).data)

    @extend_schema(request=ProfileSerializer(partial=True), responses=ProfileSerializer)
    @refuses(AccountGone, WrongPassword, TooManyFailures)
    def patch(self, request: Request) -> Response:
        """Change your e-mail address, for which your password is needed, or whether you get e-mail."""
        user = queries.find_account(account_id(request))
        body = ProfileSerializer(user, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        profile.change_profile(user, body.validated_data, request=request)
        return Response(ProfileSerializer(queries.find_account(user.pk)).data)


@require_safe
@cache_control(public=True, max_age=FETCH_EVERY_SECONDS)
def public_keys(request: HttpRequest) -> JsonResponse:
    """Return the public keys that verify access tokens, as a JWK set (RFC 7517)."""
    keys: PublicKeys = key_ring().public_keys
    return JsonResponse(as_jwks(keys.keys))


def refresh_token(request: Request) -> str:
    """Return the refresh token of the body; raises ValidationError."""
    body = RefreshTokenSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    return str(body.validated_data["refresh"])


def tokens(refresh: RefreshToken) -> Response:
    """Return both tokens of a session in a response that no cache stores."""
    body = {"access": str(refresh.access_token), "refresh": str(refresh)}
    return Response(body, headers={"Cache-Control": "no-store"})
