"""Who is asking: a JWT signed by the listings service, verified by its public key alone."""

from typing import cast

from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.models import TokenUser


class Account(TokenUser):
    """The bearer of a valid token. No database is asked, so it is what the token says."""

    @property
    def account_id(self) -> int:
        """The user's id in the listings service."""
        return int(self.id)


class TokenAuthentication(JWTStatelessUserAuthentication):
    """`Authorization: Bearer …`; anything but a token with a numeric user id is a 401."""

    def get_user(self, validated_token):  # type: ignore[no-untyped-def]  # untyped in simplejwt
        """The account that the token names."""
        account = super().get_user(validated_token)
        if not str(validated_token.get("user_id", "")).isdecimal():
            raise InvalidToken({"detail": "The token names no user."})
        return account


def account_id(request: Request) -> int:
    """The caller's id, in a view that only authenticated callers reach."""
    return cast("Account", request.user).account_id
