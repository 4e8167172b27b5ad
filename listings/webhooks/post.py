"""One attempt of a delivery over HTTP: bounded in time and size, to a checked address, without redirects."""

import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import structlog
from standardwebhooks import Webhook
from urllib3.exceptions import HTTPError

from listings.webhooks.addresses import check_url, ensure_allowed, port_of
from listings.webhooks.failures import explain
from microstore.database.texts import printable
from microstore.http.calls import BoundedHttp, BoundedHttps

CONNECT_SECONDS = 5.0  # the lookup of the name and TLS included
ANSWER_SECONDS = 10.0  # headers and the part of the body that is read
ANSWER_BYTES = 1_000  # of the body; the connection is closed then
ANSWER_CHARACTERS = 500
ERROR_CHARACTERS = 200
AGENT = "MicroStore-Webhooks/1"

log = structlog.get_logger(__name__)


class Claimed(NamedTuple):
    """A delivery to send; `previous_secret` signs too while a secret is exchanged, else it is empty."""

    delivery_id: int
    attempt: int
    endpoint_id: Any
    url: str
    secret: str
    previous_secret: str
    webhook_id: str
    body: str


class Outcome(NamedTuple):
    """Result of one attempt: a status, or the reason for which there is none."""

    duration_ms: int
    status_code: int | None = None
    answer: str = ""
    error: str = ""
    retry_after_seconds: int = 0

    @property
    def delivered(self) -> bool:
        """Whether the endpoint has accepted the event."""
        return (
            self.status_code is not None and HTTPStatus.OK <= self.status_code < HTTPStatus.MULTIPLE_CHOICES
        )

    @property
    def kind(self) -> str:
        """Name of the result, for the metric."""
        if self.delivered:
            return "delivered"
        return "refused" if self.status_code else "unanswered"


def attempt(claimed: Claimed) -> Outcome:
    """Send the event once and return what came of it; raises nothing that the endpoint can cause."""
    began = time.monotonic()
    try:
        status, answer, retry_after = _post(claimed)
        result: dict[str, Any] = {
            "status_code": status,
            "answer": printable(answer[:ANSWER_CHARACTERS], instead=" "),
            "retry_after_seconds": retry_after,
        }
    except Exception as error:  # noqa: BLE001  # whatever it is, it must not end the sender of all the others
        log.info("webhook_unanswered", delivery_id=claimed.delivery_id, error=repr(error))
        result = {"error": printable(explain(error))[:ERROR_CHARACTERS]}
    return Outcome(duration_ms=round((time.monotonic() - began) * 1_000), **result)


def _post(claimed: Claimed) -> tuple[int, str, int]:
    # Again: the rules may be stricter than when it was stored.
    parts = urlsplit(check_url(claimed.url))
    connection = _connection_to(parts.scheme, str(parts.hostname), port_of(parts))
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    try:
        connection.connect()
        connection.timeout = ANSWER_SECONDS
        connection.request(
            *("POST", target, claimed.body.encode(), sign(claimed)),
            preload_content=False,
            decode_content=False,
        )
        response = connection.getresponse()
        return response.status, _beginning_of(response), read_seconds(response.headers)
    finally:
        connection.close()


def _beginning_of(response: Any) -> str:
    # Never decompressed, and no more than is shown. The status counts, also where the body does not end.
    try:
        return str(response.read(ANSWER_BYTES, decode_content=False).decode(errors="replace"))
    except (HTTPError, OSError):
        return ""


def sign(claimed: Claimed) -> dict[str, str]:
    """Return the headers of Standard Webhooks, with a signature of each secret that is good."""
    now = datetime.now(UTC)
    secrets = [secret for secret in (claimed.secret, claimed.previous_secret) if secret]
    return {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "Accept-Encoding": "identity",
        "webhook-id": claimed.webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(
            Webhook(each).sign(claimed.webhook_id, now, claimed.body) for each in secrets
        ),
    }


def read_seconds(headers: Mapping[str, str]) -> int:
    """Return the seconds of `Retry-After`, 0 where it has none; its other form, a date, counts as none."""
    text = headers.get("Retry-After", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len("86400") else 0


class CheckedHttp(BoundedHttp):
    """A plain connection to an address that has been checked."""

    def check_addresses(self, addresses: list[str]) -> None:
        ensure_allowed(addresses, scheme="http", port=self.port)


class CheckedHttps(BoundedHttps):
    """A TLS connection to an address that has been checked; the certificate is that of the name."""

    def check_addresses(self, addresses: list[str]) -> None:
        ensure_allowed(addresses, scheme="https", port=self.port)


def _connection_to(scheme: str, host: str, port: int) -> Any:
    if scheme == "http":
        return CheckedHttp(host, port, timeout=CONNECT_SECONDS)
    return CheckedHttps(host, port, timeout=CONNECT_SECONDS, ssl_context=tls())


@cache
def tls() -> ssl.SSLContext:
    """Return the process's TLS settings, which verify certificates by the machine's authorities."""
    return ssl.create_default_context()
