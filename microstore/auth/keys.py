"""Keys that sign and verify tokens, parsed once and identified by their `kid`."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from jwt.algorithms import RSAAlgorithm
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken

from microstore.auth.unsafe_settings import PEM
from microstore.http.calls import CallFailed, call_service

log = structlog.get_logger(__name__)

Keys = Mapping[str, RSAPublicKey]  # by their `kid`

FETCH_EVERY_SECONDS = 300
FETCH_AT_MOST_EVERY_SECONDS = 30  # anybody can send tokens with an invented `kid`
FETCH_TIMEOUT_SECONDS = (2.0, 2.0)  # to connect, for the whole answer: all requests wait for it


class UnknownKey(jwt.InvalidTokenError):
    """Token with a `kid` that is not among the public keys."""


class KeyRing(TokenBackend):
    """Token backend that signs with one key and verifies with several, so that keys can be rotated."""

    @cached_property
    def public_keys(self) -> "PublicKeys":
        """Return the keys that verify tokens: the environment's, or those of JWT_JWKS_URL."""
        return FetchedKeys(settings.JWT_JWKS_URL) if settings.JWT_JWKS_URL else PublicKeys(self.verifying_key)

    @cached_property
    def signing_kid(self) -> str:
        """Return the `kid` of the signing key's public half."""
        return kid_of(self.prepared_signing_key.public_key())

    def get_verifying_key(self, token: Any) -> RSAPublicKey:
        # The header is not verified yet, so `kid` only selects among known keys; `jku` and `x5u`, which could
        # name an attacker's keys, are ignored (RFC 8725, 3.10).
        return self.public_keys.find(jwt.get_unverified_header(token).get("kid"))

    def read(self, token: str) -> dict[str, Any]:
        """Return the claims of a valid token; raises TokenBackendError for any other."""
        return self.decode(token)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        # The base class refuses a token from the future, so a machine whose clock is behind would refuse
        # everybody who has just logged in; `iat` says a token's age and forbids nothing (RFC 7519, 4.1.6).
        options: Any = {"verify_signature": verify, "verify_iat": False}
        try:
            return jwt.decode(
                token,
                self.get_verifying_key(token),
                algorithms=[self.algorithm],
                issuer=self.issuer,
                leeway=self.get_leeway(),
                options=options,
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenBackendExpiredToken("Token is expired") from error
        except jwt.InvalidTokenError as error:
            raise TokenBackendError("Token is invalid") from error

    def encode(self, payload: dict[str, Any]) -> str:
        claims = payload | {"iss": self.issuer}
        headers = {"kid": self.signing_kid}
        return jwt.encode(claims, self.prepared_signing_key, algorithm=self.algorithm, headers=headers)


class PublicKeys:
    """Public keys of a PEM text by their `kid`, in its order."""

    def __init__(self, pems: str) -> None:
        self.keys: Keys = {kid_of(key): key for key in map(parse_public_key, PEM.findall(pems))}

    def current(self) -> Keys:
        """Return all keys; another object once they change, so that caches can compare by identity."""
        return self.keys

    def find(self, kid: str | None) -> RSAPublicKey:
        """Return the key of this `kid`, the first one for None; raises UnknownKey."""
        key = self.keys.get(kid) if kid is not None else next(iter(self.keys.values()), None)
        if key is None:
            raise UnknownKey("The token was signed with a key that is not known here.")
        return key


class FetchedKeys(PublicKeys):
    """Public keys of a JWKS URL (RFC 7517), fetched again when they are old or a `kid` is missing."""

    def __init__(self, url: str) -> None:
        super().__init__("")
        self._url = url
        self._lock = threading.Lock()
        self._tried_at = -float(FETCH_EVERY_SECONDS)

    def current(self) -> Keys:
        self._fetch_after(FETCH_EVERY_SECONDS)
        return self.keys

    def find(self, kid: str | None) -> RSAPublicKey:
        missing = not self.keys or (kid is not None and kid not in self.keys)
        self._fetch_after(FETCH_AT_MOST_EVERY_SECONDS if missing else FETCH_EVERY_SECONDS)
        return super().find(kid)

    def _fetch_after(self, seconds: float) -> None:
        # One thread fetches and the others wait for its keys. The time is set first, so that a server that
        # fails or hangs is tried once in these seconds and not by every request.
        with self._lock:
            if time.monotonic() - self._tried_at >= seconds:
                self._tried_at = time.monotonic()
                self._fetch()

    def _fetch(self) -> None:
        try:
            answer = call_service("GET", self._url, timeout_seconds=FETCH_TIMEOUT_SECONDS)
            published = {key["kid"]: parse_jwk(key) for key in answer["keys"]}
            if not published:
                raise ValueError("the set is empty")  # noqa: TRY301  # with none, nobody would be logged in
        except (CallFailed, ValueError, KeyError, TypeError, jwt.InvalidKeyError) as error:
            log.warning("keys_not_fetched", url=self._url, error=repr(error))
        else:
            # The same keys stay the same object, or each fetch would empty the caches of verified tokens.
            if published != self.keys:
                self.keys = published


@cache
def key_ring() -> KeyRing:
    """Return the keys of this process, as its environment sets them."""
    given: dict[str, Any] = settings.SIMPLE_JWT
    return KeyRing(
        given["ALGORITHM"],
        given["SIGNING_KEY"],
        given["VERIFYING_KEY"],
        issuer=given["ISSUER"],
        leeway=given["LEEWAY"],
    )


def as_jwks(keys: Keys) -> dict[str, Any]:
    """Return the keys as a JSON Web Key Set (RFC 7517)."""
    names = {"use": "sig", "alg": settings.SIMPLE_JWT["ALGORITHM"]}
    return {"keys": [_members(key) | names | {"kid": kid} for kid, key in keys.items()]}


def kid_of(key: RSAPublicKey) -> str:
    """Return the key's thumbprint (RFC 7638), which any implementation computes alike."""
    text = json.dumps(_members(key), sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def parse_public_key(pem: str) -> RSAPublicKey:
    """Parse an RSA public key in PEM; raises ValueError for anything else."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError(f"Tokens are signed with RSA keys, not {type(key).__name__}.")  # noqa: TRY004  # a bad value
    return key


def parse_jwk(jwk: dict[str, Any]) -> RSAPublicKey:
    """Parse an RSA public key in JWK; raises InvalidKeyError for anything else, also a private key."""
    key = RSAAlgorithm.from_jwk(jwk)
    if not isinstance(key, RSAPublicKey):
        raise jwt.InvalidKeyError("A key set holds public keys alone.")
    return key


def _members(key: RSAPublicKey) -> dict[str, str]:
    jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    return {name: jwk[name] for name in ("e", "kty", "n")}
