"""Requests signed with a shared secret: who does not have it is not answered.

`X-Fees-Timestamp` is the Unix time in seconds, `X-Fees-Signature` the hexadecimal HMAC-SHA256 of that, a dot
and the body. A recorded request is worth something for five minutes, and then only the same answer.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from fees.function_url import BadRequest

MAX_SKEW_SECONDS = 300


class NotSigned(BadRequest):
    """The request is not signed by anybody we know."""

    status = HTTPStatus.UNAUTHORIZED


def load_signing_keys(environ: Mapping[str, str]) -> Sequence[bytes]:
    """The keys in FEES_SIGNING_KEY, with commas between them while one is changed for another."""
    return [key.strip().encode() for key in environ.get("FEES_SIGNING_KEY", "").split(",") if key.strip()]


def sign(body: bytes, *, key: bytes, timestamp: str) -> str:
    """The signature of a body sent at this time."""
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def check_signature(
    event: Mapping[str, object],
    body: bytes,
    *,
    keys: Sequence[bytes],
    now: Callable[[], float] = time.time,
) -> None:
    """Raise NotSigned unless one of the keys has signed the body lately; without keys all are welcome."""
    if not keys:
        return
    headers = event.get("headers")
    told = headers if isinstance(headers, dict) else {}
    timestamp, signature = str(told.get("x-fees-timestamp", "")), str(told.get("x-fees-signature", ""))
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= len(str(2**40))):
        raise NotSigned("this function answers signed requests alone: x-fees-timestamp is missing or no time")
    if abs(now() - int(timestamp)) > MAX_SKEW_SECONDS:
        raise NotSigned("x-fees-timestamp is not within five minutes of this function's clock")
    given = signature.encode("utf-8", "replace")
    if not any(hmac.compare_digest(sign(body, key=key, timestamp=timestamp).encode(), given) for key in keys):
        raise NotSigned("x-fees-signature does not fit the body")
