"""WSGI: a plain purchase is answered before it comes to Django, which costs more than it (decision 0048)."""

import json
import re
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from io import BytesIO
from typing import Any, NamedTuple

from django.core.handlers.exception import response_for_exception
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from rest_framework.exceptions import Throttled

from listings.buying import api
from listings.buying.api import BuyView
from listings.models import MAX_QUANTITY
from microstore.auth.authentication import Account, TokenAuthentication
from microstore.http import limits, problems
from microstore.metrics.requests import observe
from microstore.telemetry import tracing

Environ = dict[str, Any]
Headers = dict[str, str]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

PATH = re.compile(r"/api/listings/([1-9][0-9]{0,17})/buy/")
ACCEPT = (None, "*/*", "application/json")
MAX_BODY_BYTES = 1_000
# What Django's middleware looks at, beside the path: two requests equal in these get equal headers.
CALLED_AS = ("HTTP_HOST", "wsgi.url_scheme", "HTTP_X_FORWARDED_PROTO")
REMEMBERED_NAMES = 1_000
OF_ONE_ANSWER = {
    "content-length",
    "location",
    "x-trace-id",
    "idempotent-replayed",
    "ratelimit",
    "ratelimit-policy",
}


class Plain(NamedTuple):
    """A purchase with nothing odd about it."""

    listing_id: int
    account: Account
    quantity: int


class Express:
    """The lane before Django's. It serves a name of this server once Django has served a purchase under it.

    So Django has judged the name and the scheme, and the headers are what its middleware gave that purchase.
    """

    def __init__(self, django: Application) -> None:
        self.django = django
        self._headers: dict[tuple[str | None, ...], Headers] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The answer: our own, or Django's where there is more to say about the request than yes or no."""
        plain = plain_purchase(environ)
        if plain is None:
            return self.django(environ, start_response)
        called_as = tuple(environ.get(name) for name in CALLED_AS)
        headers = self._headers.get(called_as)
        if headers is None:
            return self.django(environ, self._learning(called_as, start_response))
        return answer(plain, environ, headers, start_response)

    def _learning(self, called_as: tuple[str | None, ...], start_response: StartResponse) -> StartResponse:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if status.startswith("202"):
                if len(self._headers) >= REMEMBERED_NAMES:
                    self._headers.clear()
                self._headers[called_as] = {
                    name: value for name, value in headers if name.lower() not in OF_ONE_ANSWER
                }
            return start_response(status, headers, *rest)

        return start


def plain_purchase(environ: Environ) -> Plain | None:
    """What is asked for, or None; the body can be read again."""
    path = PATH.fullmatch(environ["PATH_INFO"])
    if not path or environ["REQUEST_METHOD"] != "POST":
        return None
    if environ.get("CONTENT_TYPE") != "application/json" or environ.get("HTTP_ACCEPT") not in ACCEPT:
        return None
    account = TokenAuthentication.known_account(environ.get("HTTP_AUTHORIZATION", ""))
    length = environ.get("CONTENT_LENGTH") or ""
    if account is None or not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        return None
    body = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = BytesIO(body)
    quantity = plain_quantity(body)
    return Plain(int(path[1]), account, quantity) if quantity else None


def plain_quantity(body: bytes) -> int | None:
    """How many the buyer wants, where the body is as it should be."""
    try:
        asked = json.loads(body)
    except ValueError:
        return None
    if not isinstance(asked, dict) or not asked.keys() <= {"quantity"}:
        return None
    quantity = asked.get("quantity", 1)
    return quantity if type(quantity) is int and 1 <= quantity <= MAX_QUANTITY else None


def answer(plain: Plain, environ: Environ, headers: Headers, start_response: StartResponse) -> list[bytes]:
    """Buy, and tell."""
    began = time.perf_counter()
    close_old_connections()
    with tracing.trace_of_request(environ) as trace:
        headers = {**headers, "X-Trace-Id": tracing.trace_id_of(trace)}
        try:
            count(plain, headers)
            accepted = api.buy(
                plain.listing_id,
                buyer_id=plain.account.account_id,
                quantity=plain.quantity,
                key=environ.get("HTTP_IDEMPOTENCY_KEY"),
            )
        except Exception as error:  # noqa: BLE001  # every answer has the headers
            response = problems.as_json(error) or response_for_exception(WSGIRequest(environ), error)
            status, body = HTTPStatus(response.status_code), response.content
            headers |= response.headers
        else:
            status, body = HTTPStatus.ACCEPTED, json.dumps(accepted.body).encode()
            headers |= accepted.headers
    headers["Content-Length"] = str(len(body))
    start_response(f"{status.value} {status.phrase}", list(headers.items()))
    observe("buy", "POST", status.value, seconds=time.perf_counter() - began)
    return [body]


def count(plain: Plain, headers: Headers) -> None:
    """Raises Throttled where it is one too many."""
    counted = limits.count_request(BuyView.throttle_scope, limits.name_of(plain.account.account_id))
    headers |= counted.headers
    if counted.wait_seconds is not None:
        raise Throttled(counted.wait_seconds)
