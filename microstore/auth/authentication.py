"""Who is asking: a JWT signed by the listings service, verified by its public key alone."""

import time
from typing import Any, ClassVar, cast

from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.models import TokenUser

from microstore.auth.keys import Keys, key_ring

REMEMBERED_TOKENS = 10_000  # a process; of about 1 KiB


class Account(TokenUser):
    """The bearer of a valid token. No database is asked, so it is what the token says."""

    @property
    def account_id(self) -> int:
        """The user's id in the listings service."""
        return int(self.id)


Bearer = tuple[Account, Any]


class TokenAuthentication(JWTStatelessUserAuthentication):
    """`Authorization: Bearer …`; anything but a token with a numeric user id is a 401.

    A token that was good stays good until it expires or the keys change: its signature is not verified twice.
    """

    _verified: ClassVar[dict[str, tuple[Keys, Bearer]]] = {}

    def authenticate(self, request: Request) -> Bearer | None:  # type: ignore[override]  # no Django user
        """The account and the token, or None where no token was sent."""
        bearer = self._known(request.META.get("HTTP_AUTHORIZATION", ""))
        if bearer:
            return bearer
        keys = key_ring().public_keys.current()
        bearer = cast("Bearer | None", super().authenticate(request))
        if bearer:
            if len(self._verified) >= REMEMBERED_TOKENS:
                self._verified.clear()
            self._verified[request.META["HTTP_AUTHORIZATION"]] = keys, bearer
        return bearer

    @classmethod
    def known_account(cls, authorization: str) -> Account | None:
        """Who sends this header, where its token was verified before."""
        bearer = cls._known(authorization)
        return bearer and bearer[0]

    @classmethod
    def _known(cls, authorization: str) -> Bearer | None:
        verified_by, bearer = cls._verified.get(authorization, (None, None))
        if bearer and verified_by is key_ring().public_keys.current() and bearer[1]["exp"] > time.time():
            return bearer
        return None

    def get_user(self, validated_token):  # type: ignore[no-untyped-def]  # untyped in simplejwt
        """The account that the token names."""
        account = super().get_user(validated_token)
        if not str(validated_token.get("user_id", "")).isdecimal():
            raise InvalidToken({"detail": "The token names no user."})
        return account


def account_id(request: Request) -> int:
    """The caller's id, in a view that only authenticated callers reach."""
    return cast("Account", request.user).account_id
