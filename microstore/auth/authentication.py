"""Authentication by a JWT of the listings service, verified with its public key and without a query."""

import time
from typing import Any, ClassVar, cast

from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import ExpiredTokenError, InvalidToken, TokenError
from rest_framework_simplejwt.models import TokenUser
from rest_framework_simplejwt.settings import api_settings

from microstore.auth.keys import Keys, key_ring
from microstore.auth.tokens import BalanceToken
from microstore.refusal import TokenExpired

REMEMBERED_TOKENS = 10_000  # a process; of about 1 KiB


class Account(TokenUser):
    """Account named by a valid token; its attributes are the token's claims, not the database's."""

    @property
    def account_id(self) -> int:
        """Return the user's id in the listings service."""
        return int(self.id)


Bearer = tuple[Account, Any]


class TokenAuthentication(JWTStatelessUserAuthentication):
    """`Authorization: Bearer …`; anything but a token with a numeric user id is a 401.

    Caches verified tokens per process; entries expire with the token or on key rotation.
    """

    # Threads share it without a lock: each read and write is atomic, and at worst a token is verified twice.
    _verified: ClassVar[dict[str, tuple[Keys, Bearer]]] = {}

    def authenticate(self, request: Request) -> Bearer | None:  # type: ignore[override]  # no Django user
        bearer = self._known(request.META.get("HTTP_AUTHORIZATION", ""))
        if bearer:
            return bearer
        # Read before the signature is verified: if the keys change meanwhile, the entry is not used.
        keys = key_ring().public_keys.current()
        bearer = cast("Bearer | None", super().authenticate(request))
        if bearer:
            if len(self._verified) >= REMEMBERED_TOKENS:
                self._verified.clear()
            # By the token and not by the header, which may have any number of blanks around it.
            self._verified[f"Bearer {bearer[1].token.decode()}"] = keys, bearer
        return bearer

    @classmethod
    def known_account(cls, authorization: str) -> Account | None:
        """Return the account of an Authorization header that is cached, else None."""
        bearer = cls._known(authorization)
        return bearer and bearer[0]

    @classmethod
    def _known(cls, authorization: str) -> Bearer | None:
        verified_by, bearer = cls._verified.get(authorization, (None, None))
        if bearer and verified_by is key_ring().public_keys.current() and bearer[1]["exp"] > time.time():
            return bearer
        return None

    def get_raw_token(self, header: bytes) -> bytes | None:
        scheme, space, token = header.partition(b" ")
        return super().get_raw_token(scheme.title() + space + token)  # of any case: RFC 9110, 11.1

    def get_validated_token(self, raw_token: bytes) -> Any:
        try:
            return super().get_validated_token(raw_token)
        except InvalidToken:
            # It says the same of each; only the class of the first reason tells that a new token helps.
            for kind in api_settings.AUTH_TOKEN_CLASSES:
                try:
                    kind(raw_token)
                except ExpiredTokenError:
                    raise TokenExpired("The access token has expired.") from None
                except TokenError:
                    continue
            raise

    def get_user(self, validated_token):  # type: ignore[no-untyped-def]  # untyped in simplejwt
        account = super().get_user(validated_token)
        if not str(validated_token.get("user_id", "")).isdecimal():
            raise InvalidToken({"detail": "The token names no user."})
        return account


class BalanceAuthentication(TokenAuthentication):
    """Authentication by an access token, or by a BalanceToken."""

    # Of its own: what is verified here opens nothing elsewhere.
    _verified: ClassVar[dict[str, tuple[Keys, Bearer]]] = {}

    def get_validated_token(self, raw_token: bytes) -> Any:
        try:
            return BalanceToken(raw_token)  # type: ignore[arg-type]  # simplejwt takes bytes, too
        except TokenError:
            return super().get_validated_token(raw_token)


def account_id(request: Request) -> int:
    """Return the caller's id in a view that requires authentication."""
    return cast("Account", request.user).account_id
