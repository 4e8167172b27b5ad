"""The payment provider's client: signed calls, bounded in time and size, and what their answers say."""

import hashlib
import hmac
import json
import time
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import requests
from django.conf import settings
from pydantic import BaseModel, Field, ValidationError

from microstore.contracts.contract import Currency
from microstore.database.texts import printable
from microstore.fee_function.quotes import PLAIN_TEXT
from microstore.http.calls import IDENTITY, BoundedAdapter, CallFailed, exchange
from transactions.payouts.details import BankDetails
from transactions.payouts.models import Payout
from transactions.payouts.settling import Outcome

# They say nothing of a payout: a wrong key, a limit of calls, a busy or broken server.
ABOUT_ALL = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
)
STATUSES = {"pending": Payout.Status.SENT, "paid": Payout.Status.PAID, "failed": Payout.Status.FAILED}


class NoAnswer(Exception):
    """The provider has given no whole answer: it may have the payout, or not."""


class Answer(BaseModel):
    """The provider's answer about one payout."""

    id: UUID
    status: Literal["pending", "paid", "failed"]
    amount_cents: Annotated[int, Field(strict=True)]
    currency: Currency
    reference: Annotated[str, Field(max_length=100, pattern=PLAIN_TEXT)] = ""
    reason: Annotated[str, Field(max_length=300, pattern=PLAIN_TEXT)] = ""


def send(payout: Payout, details: BankDetails) -> Outcome:
    """Send the payout under its id, and return what the provider says; raises NoAnswer.

    Sent again it is the same payout to the provider, and to us.
    """
    body = {
        "id": str(payout.pk),
        "amount_cents": payout.amount_cents,
        "currency": payout.currency,
        "iban": details.iban,
        "holder": details.holder,
    }
    status, content = _call("POST", "payouts", json.dumps(body).encode(), key=str(payout.pk))
    return _read(payout, status, content)


def look_up(payout: Payout) -> Outcome | None:
    """Return what the provider says of the payout, None where it has none under this id; raises NoAnswer."""
    status, content = _call("GET", f"payouts/{payout.pk}", b"")
    return None if status == HTTPStatus.NOT_FOUND else _read(payout, status, content)


def _read(payout: Payout, status: int, content: bytes) -> Outcome:
    if status in ABOUT_ALL or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise NoAnswer(f"The provider answered {status}: {_begin(content)}")
    if status not in (HTTPStatus.OK, HTTPStatus.CREATED):
        return Outcome(Payout.Status.UNKNOWN, f"The provider answered {status}: {_begin(content)}")
    try:
        answer = Answer.model_validate_json(content)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        return Outcome(Payout.Status.UNKNOWN, f"The provider's answer is malformed: {faults}")
    told = (answer.id, answer.amount_cents, answer.currency)
    if told != (payout.pk, payout.amount_cents, payout.currency):
        reason = f"The provider answered about {answer.amount_cents} {answer.currency} of {answer.id}."
        return Outcome(Payout.Status.UNKNOWN, reason)
    return Outcome(STATUSES[answer.status], answer.reason, answer.reference)


def _begin(content: bytes) -> str:
    return printable(content[:300].decode("utf-8", "replace"))


def _call(method: str, path: str, body: bytes, *, key: str = "") -> tuple[int, bytes]:
    url = f"{settings.PAYOUTS_URL.rstrip('/')}/{path}"
    headers = {"Content-Type": "application/json", **IDENTITY}
    headers |= {"Idempotency-Key": key} if key else {}
    headers |= sign(method, urlsplit(url).path, body)
    try:
        timeout = settings.PAYOUTS_TIMEOUT_SECONDS
        response, content = exchange(
            session(), method, url, data=body or None, headers=headers, timeout=timeout
        )
    except CallFailed as error:
        raise NoAnswer(str(error)[:400]) from error
    return response.status_code, content


def sign(method: str, path: str, body: bytes) -> dict[str, str]:
    """Return the headers that sign a call with PAYOUTS_SIGNING_KEY: HMAC-SHA256 of time, call and body."""
    timestamp = str(int(time.time()))
    signed = f"{timestamp}.{method} {path}.".encode() + body
    signature = hmac.new(settings.PAYOUTS_SIGNING_KEY.encode(), signed, hashlib.sha256).hexdigest()
    return {"X-Payouts-Timestamp": timestamp, "X-Payouts-Signature": signature}


@cache
def session() -> requests.Session:
    """Return this process's session, which repeats nothing: what is sent again depends on what is stored."""
    pooled: Any = requests.Session()
    pooled.trust_env = False
    for scheme in ("http://", "https://"):
        pooled.mount(scheme, BoundedAdapter(max_retries=0))
    return pooled  # type: ignore[no-any-return]
