"""Requests signed with a shared secret (HMAC); unsigned ones are refused where a key is configured.

`X-Fees-Timestamp` is the Unix time in seconds, `X-Fees-Signature` the hexadecimal HMAC-SHA256 of that, a dot
and the body. A recorded request can be replayed for five minutes, and gets the answer that it got before.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from fees.function_url import BadRequest

MAX_SKEW_SECONDS = 300


class NotSigned(BadRequest):
    """The signature is missing, too old, or made with another key."""

    status = HTTPStatus.UNAUTHORIZED


def load_signing_keys(environ: Mapping[str, str]) -> Sequence[bytes]:
    """Return the keys in FEES_SIGNING_KEY, which are separated by commas while a key is rotated."""
    return [key.strip().encode() for key in environ.get("FEES_SIGNING_KEY", "").split(",") if key.strip()]


def sign(body: bytes, *, key: bytes, timestamp: str) -> str:
    """Return the signature of a body sent at this time, in hexadecimal."""
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def check_signature(
    event: Mapping[str, object],
    body: bytes,
    *,
    keys: Sequence[bytes],
    now: Callable[[], float] = time.time,
) -> None:
    """Raise NotSigned unless one of the keys has signed the body recently; without keys, do nothing."""
    if not keys:
        return
    headers = event.get("headers")
    received = headers if isinstance(headers, dict) else {}
    timestamp, signature = (
        str(received.get("x-fees-timestamp", "")),
        str(received.get("x-fees-signature", "")),
    )
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= len(str(2**40))):
        raise NotSigned("requests must be signed: x-fees-timestamp is missing or not a Unix time")
    if abs(now() - int(timestamp)) > MAX_SKEW_SECONDS:
        raise NotSigned("x-fees-timestamp is more than five minutes from this function's clock")
    given = signature.encode("utf-8", "replace")
    if not any(hmac.compare_digest(sign(body, key=key, timestamp=timestamp).encode(), given) for key in keys):
        raise NotSigned("x-fees-signature does not match the body")
