"""Access tokens as the listings service signs them, and as a forger would."""

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.support.environment import make_key_pair

MINUTE_SECONDS = 60


def claims_of(user_id: object, /, **changed: object) -> dict[str, Any]:
    """The claims of an access token."""
    now = int(time.time())
    valid = {
        "token_type": "access",
        "iat": now,
        "exp": now + 30 * MINUTE_SECONDS,
        "iss": "microstore",
        "jti": "a" * 32,
        "user_id": None if user_id is None else str(user_id),
    }
    return {name: value for name, value in (valid | changed).items() if value is not None}


def sign(claims: dict[str, Any]) -> str:
    """With the private key of the listings service under test."""
    return jwt.encode(claims, private_key(), "RS256")


@cache
def private_key() -> RSAPrivateKey:
    """Read once: checking a key takes as long as a hundred signatures."""
    key = load_pem_private_key(os.environ["JWT_PRIVATE_KEY"].encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


def sign_with_another_key(claims: dict[str, Any]) -> str:
    """A good signature of somebody else."""
    return jwt.encode(claims, make_key_pair()[0], "RS256")


def sign_with_nothing(claims: dict[str, Any]) -> str:
    """`alg` none: "trust me"."""
    return f"{_unsigned({'alg': 'none', 'typ': 'JWT'}, claims)}."


def sign_with_the_public_key(claims: dict[str, Any]) -> str:
    """HS256, keyed with what everybody may know. PyJWT would refuse to make it, so by hand."""
    message = _unsigned({"alg": "HS256", "typ": "JWT"}, claims)
    key = os.environ["JWT_PUBLIC_KEY"].encode()
    return f"{message}.{_base64(hmac.digest(key, message.encode(), hashlib.sha256))}"


def expired(user_id: object) -> str:
    """It was good until a minute ago."""
    return sign(claims_of(user_id, exp=int(time.time()) - MINUTE_SECONDS))


def forge(kind: str, user_id: object) -> str:
    """Something that claims to be the user's access token and is not."""
    return FORGERIES[kind](user_id)


def _unsigned(header: dict[str, str], claims: dict[str, Any]) -> str:
    return ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


# By what is wrong with them.
FORGERIES: dict[str, Callable[[object], str]] = {
    "garbage": lambda _: "garbage",
    "two tokens": lambda user_id: " ".join(2 * [sign(claims_of(user_id))]),
    "not ASCII": lambda _: "schlüssel",
    "expired": expired,
    "another key": lambda user_id: sign_with_another_key(claims_of(user_id)),
    "no signature": lambda user_id: sign_with_nothing(claims_of(user_id)),
    "the public key as a secret": lambda user_id: sign_with_the_public_key(claims_of(user_id)),
    "cut signature": lambda user_id: sign(claims_of(user_id))[:-8],
    "refresh token": lambda user_id: sign(claims_of(user_id, token_type="refresh")),
    "another issuer": lambda user_id: sign(claims_of(user_id, iss="macrostore")),
    "no expiry": lambda user_id: sign(claims_of(user_id, exp=None)),
    "no user": lambda _: sign(claims_of(None)),
    "a user that is no number": lambda _: sign(claims_of("alice")),
    "a negative user": lambda _: sign(claims_of(-1)),
}
