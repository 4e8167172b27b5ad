"""The keys that tokens are signed and verified with, each parsed once and known by its `kid`."""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

import jwt
import requests
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from jwt.algorithms import RSAAlgorithm
from rest_framework_simplejwt.backends import TokenBackend

log = structlog.get_logger(__name__)

Keys = Mapping[str, RSAPublicKey]  # by their `kid`

FETCH_EVERY_SECONDS = 300
FETCH_AT_MOST_EVERY_SECONDS = 30
FETCH_TIMEOUT_SECONDS = 2


class UnknownKey(jwt.InvalidTokenError):
    """The token names a key that is not among the public keys."""


class KeyRing(TokenBackend):
    """Signs with one key and verifies with several, so that keys can be changed while tokens are about."""

    @cached_property
    def public_keys(self) -> "PublicKeys":
        """What is believed: the environment's keys, or those that another service publishes."""
        return FetchedKeys(settings.JWT_JWKS_URL) if settings.JWT_JWKS_URL else PublicKeys(self.verifying_key)

    @cached_property
    def signing_kid(self) -> str:
        """The name of the signing key's public half."""
        return kid_of(self.prepared_signing_key.public_key())

    def get_verifying_key(self, token: Any) -> RSAPublicKey:
        """The public key that the token names; the first one where it names none."""
        return self.public_keys.find(jwt.get_unverified_header(token).get("kid"))

    def read(self, token: str) -> dict[str, Any]:
        """The claims of a good token; raises TokenBackendError for any other."""
        return self.decode(token)  # type: ignore[arg-type]  # simplejwt takes text, whatever it says

    def encode(self, payload: dict[str, Any]) -> str:
        """The signed token, with the name of its key in the header."""
        claims = payload | {"iss": self.issuer}
        headers = {"kid": self.signing_kid}
        return jwt.encode(claims, self.prepared_signing_key, algorithm=self.algorithm, headers=headers)


class PublicKeys:
    """Public keys by their `kid`, the first one first."""

    def __init__(self, pems: str) -> None:
        self.keys: Keys = {kid_of(key): key for key in map(parse_public_key, split_pems(pems))}

    def current(self) -> Keys:
        """All of them; another object once they have changed, so what they verified can be told by it."""
        return self.keys

    def find(self, kid: str | None) -> RSAPublicKey:
        """The key of this name, or the first one for None; raises UnknownKey."""
        key = self.keys.get(kid) if kid is not None else next(iter(self.keys.values()), None)
        if key is None:
            raise UnknownKey("The token was signed with a key that is not known here.")
        return key


class FetchedKeys(PublicKeys):
    """The keys at a JWKS URL (RFC 7517); fetched again when they are old or one is missing."""

    def __init__(self, url: str) -> None:
        super().__init__("")
        self._url = url
        self._lock = threading.Lock()
        self._asked_at = -float(FETCH_EVERY_SECONDS)

    def current(self) -> Keys:
        """What was published, not long ago."""
        self._fetch_after(FETCH_EVERY_SECONDS)
        return self.keys

    def find(self, kid: str | None) -> RSAPublicKey:
        """The key of this name; raises UnknownKey."""
        missing = not self.keys or (kid is not None and kid not in self.keys)
        self._fetch_after(FETCH_AT_MOST_EVERY_SECONDS if missing else FETCH_EVERY_SECONDS)
        return super().find(kid)

    def _fetch_after(self, seconds: float) -> None:
        with self._lock:
            if time.monotonic() - self._asked_at >= seconds:
                self._asked_at = time.monotonic()
                self._fetch()

    def _fetch(self) -> None:
        try:
            response = requests.get(self._url, timeout=FETCH_TIMEOUT_SECONDS)
            response.raise_for_status()
            published = {key["kid"]: parse_jwk(key) for key in response.json()["keys"]}
        except (requests.RequestException, ValueError, KeyError, TypeError, jwt.InvalidKeyError) as error:
            log.warning("keys_not_fetched", url=self._url, error=repr(error))
        else:
            if published != self.keys:
                self.keys = published


@cache
def key_ring() -> KeyRing:
    """The process's keys, as its environment names them."""
    given: dict[str, Any] = settings.SIMPLE_JWT
    return KeyRing(
        given["ALGORITHM"],
        given["SIGNING_KEY"],
        given["VERIFYING_KEY"],
        issuer=given["ISSUER"],
        leeway=given["LEEWAY"],
    )


def as_jwks(keys: Keys) -> dict[str, Any]:
    """The keys as a JSON Web Key Set (RFC 7517)."""
    names = {"use": "sig", "alg": settings.SIMPLE_JWT["ALGORITHM"]}
    return {"keys": [_members(key) | names | {"kid": kid} for kid, key in keys.items()]}


def kid_of(key: RSAPublicKey) -> str:
    """The key's thumbprint (RFC 7638), which everybody computes alike."""
    text = json.dumps(_members(key), sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def split_pems(text: str) -> list[str]:
    """The PEM blocks in a text that holds one or several."""
    return re.findall(r"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", text, re.DOTALL)


def parse_public_key(pem: str) -> RSAPublicKey:
    """An RSA public key; raises ValueError where it is none."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError(f"Tokens are signed with RSA keys, not {type(key).__name__}.")  # noqa: TRY004  # a bad value
    return key


def parse_jwk(jwk: dict[str, Any]) -> RSAPublicKey:
    """An RSA public key; raises InvalidKeyError where it is none."""
    key = RSAAlgorithm.from_jwk(jwk)
    if not isinstance(key, RSAPublicKey):
        raise jwt.InvalidKeyError("A key set holds public keys alone.")
    return key


def _members(key: RSAPublicKey) -> dict[str, str]:
    jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    return {name: jwk[name] for name in ("e", "kty", "n")}
