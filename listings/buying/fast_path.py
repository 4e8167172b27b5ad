"""WSGI: answer a plain purchase before Django, whose layers cost more than the purchase (decision 0048).

It does what the middleware, BuyView and its classes do for such a request, so it serves only while these are
the ones that it was written for: `find_differences` compares them when the process starts. The body is read
by BuyView's own serializer.
"""

import inspect
import json
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any

import structlog
from django.conf import settings
from django.core.handlers.exception import response_for_exception
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from django.urls import Resolver404, resolve
from django.views import View
from rest_framework.exceptions import Throttled
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from listings.buying import api
from listings.buying.api import BuyView
from listings.buying.offer import Offer
from listings.buying.serializers import BuySerializer, seen_offer
from microstore.auth.authentication import TokenAuthentication
from microstore.http import limits, problems
from microstore.http.parsers import BoundedJSONParser, load_json
from microstore.metrics.requests import observe
from microstore.telemetry import tracing

log = structlog.get_logger(__name__)

Environ = dict[str, Any]
Headers = dict[str, str]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

PATH = re.compile(r"/api/listings/([1-9][0-9]{0,17})/buy/")
ACCEPT = (None, "*/*", "application/json")
LENGTH = re.compile("[1-9][0-9]{0,2}")  # of the body, in bytes
# What the middleware reads beside the path: two requests that are equal in these get equal headers.
CALLED_AS = ("HTTP_HOST", "wsgi.url_scheme", "HTTP_X_FORWARDED_PROTO", "HTTP_ORIGIN")
REMEMBERED_HOSTS = REMEMBERED_BODIES = 1_000
HEADERS_OF_ONE_ANSWER = {
    "content-length",
    "location",
    "x-trace-id",
    "traceresponse",
    "idempotent-replayed",
    "ratelimit",
    "ratelimit-policy",
}


# Whoever changes one of these: have this module do the same for a plain purchase, then change it here, too.
WRITTEN_FOR: dict[str, object] = {
    "MIDDLEWARE": [
        "microstore.metrics.requests.measure_requests",
        "microstore.telemetry.tracing.trace_requests",
        "corsheaders.middleware.CorsMiddleware",
        "django.middleware.security.SecurityMiddleware",
        "microstore.http.security.send_policy",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "microstore.http.max_body.bound_bodies",
        "microstore.http.languages.serve_language",
        "microstore.http.middleware.Sessions",
        "microstore.http.middleware.Common",
        "microstore.http.middleware.Csrf",
        "microstore.http.middleware.LogIn",
        "microstore.http.middleware.SecondFactor",
        "microstore.http.middleware.Messages",
        "microstore.http.middleware.Framing",
        "microstore.http.problems.answer_exceptions",
    ],
    "BuyView.authentication_classes": [TokenAuthentication],
    "BuyView.permission_classes": [IsAuthenticated],
    "BuyView.parser_classes": [BoundedJSONParser],
    "BuyView.renderer_classes": [JSONRenderer],
    "BuyView.content_negotiation_class": DefaultContentNegotiation,
    "BuyView.versioning_class": None,
    "BuyView.__mro__": [BuyView, APIView, View, object],
    "attributes of BuyView": ["post", "throttle_scope"],
    "EXCEPTION_HANDLER": problems.answer,
    "source of BuyView and read_body": 2507110284,
}
SHORTEST_AND_LONGEST = ("/api/listings/1/buy/", f"/api/listings/{10**18 - 1}/buy/")


class FastPath:
    """A WSGI application that answers plain purchases and passes everything else on to Django.

    A host is served here once Django has accepted a purchase under it: so Django has checked its name and
    scheme, and the headers are those that its middleware gave to that purchase.
    """

    def __init__(self, django: Application) -> None:
        self.django = django
        self._headers: dict[tuple[str | None, ...], Headers] = {}
        if differences := find_differences():
            log.warning("fast_path_off", differences=differences, hint=f"See WRITTEN_FOR in {__name__}.")
        self._is_on = not differences

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a WSGI request, as PEP 3333 has it."""
        wanted = read_plain_purchase(environ) if self._is_on else None
        if wanted is None:
            return self.django(environ, start_response)
        called_as = tuple(environ.get(name) for name in CALLED_AS)
        headers = self._headers.get(called_as)
        if headers is None:
            return self.django(environ, self._remembering(called_as, start_response))
        return answer(wanted, environ, headers, start_response)

    def _remembering(self, called_as: tuple[str | None, ...], start_response: StartResponse) -> StartResponse:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if status.startswith("202"):
                if len(self._headers) >= REMEMBERED_HOSTS:
                    self._headers.clear()
                self._headers[called_as] = {
                    name: value for name, value in headers if name.lower() not in HEADERS_OF_ONE_ANSWER
                }
            return start_response(status, headers, *rest)

        return start


def find_differences() -> list[str]:
    """Return what this module was not written for: middleware, the served view, its classes or code."""
    written_for = _written_for()
    present = _present(written_for)
    return [f"{name} is {present[name]}" for name in written_for if present[name] != written_for[name]]


def _written_for() -> dict[str, object]:
    throttles = {"BuyView.throttle_classes": [limits.Limits] if settings.LIMITS_URL else []}
    served = list(_layers(BuyView.as_view()))
    return WRITTEN_FOR | throttles | dict.fromkeys(SHORTEST_AND_LONGEST, served)


def _present(names: Iterable[str]) -> dict[str, object]:
    of_view = [name for name in names if name.startswith("BuyView.")]
    values = {name: getattr(BuyView, name.removeprefix("BuyView.")) for name in of_view}
    source = inspect.getsource(BuyView) + inspect.getsource(api.read_body)
    return {
        "MIDDLEWARE": list(settings.MIDDLEWARE),
        **{name: list(value) if isinstance(value, tuple) else value for name, value in values.items()},
        "attributes of BuyView": sorted(name for name in vars(BuyView) if not name.startswith("__")),
        "EXCEPTION_HANDLER": BuyView.settings.EXCEPTION_HANDLER,
        "source of BuyView and read_body": zlib.crc32(source.encode()),
        **{path: list(_served_at(path)) for path in SHORTEST_AND_LONGEST},
    }


def _served_at(path: str) -> Iterator[object]:
    try:
        yield from _layers(resolve(path).func)
    except Resolver404:
        yield None


def _layers(view: Any) -> Iterator[object]:
    """Yield the view's class and arguments, then the code of the view and of what is wrapped around it."""
    yield from (getattr(view, name, None) for name in ("view_class", "view_initkwargs"))
    while view:
        yield getattr(view, "__code__", view)
        view = getattr(view, "__wrapped__", None)


def read_plain_purchase(environ: Environ) -> dict[str, Any] | None:
    """Return the arguments of `api.buy`, or None for Django to read; the body can be read again."""
    path = PATH.fullmatch(environ["PATH_INFO"])
    if not path or environ["REQUEST_METHOD"] != "POST":
        return None
    if "HTTP_IF_MATCH" in environ or "HTTP_CONTENT_ENCODING" in environ or environ.get("QUERY_STRING"):
        return None
    account = TokenAuthentication.known_account(environ.get("HTTP_AUTHORIZATION", ""))
    length = LENGTH.fullmatch(environ.get("CONTENT_LENGTH") or "")
    if account is None or not length or environ.get("CONTENT_TYPE") != "application/json":
        return None
    if environ.get("HTTP_ACCEPT") not in ACCEPT:
        return None
    body = environ["wsgi.input"].read(int(length[0]))
    environ["wsgi.input"] = BytesIO(body)
    wanted = plain_body(body)
    if wanted is None:
        return None
    quantity, seen = wanted
    return {
        "listing_id": int(path[1]),
        "buyer_id": account.account_id,
        "quantity": quantity,
        "key": environ.get("HTTP_IDEMPOTENCY_KEY"),
        "seen": seen,
    }


# Most buyers send the same few bytes: to validate them each time took 14 % of the API's Python time.
@lru_cache(maxsize=REMEMBERED_BODIES)
def plain_body(body: bytes) -> tuple[int, Offer | None] | None:
    """Return quantity and seen offer of a valid body, or None."""
    try:
        wanted = _serializer().run_validation(load_json(body))
    except Exception:  # noqa: BLE001  # whatever is wrong with it, Django's answer says so
        return None
    return wanted["quantity"], seen_offer(wanted)


@cache
def _serializer() -> BuySerializer:
    # One for all purchases and threads: run_validation keeps nothing, and to make one costs more than it.
    return BuySerializer()


def answer(
    wanted: dict[str, Any], environ: Environ, headers: Headers, start_response: StartResponse
) -> list[bytes]:
    """Place the order and answer as BuyView does, with the middleware's headers; count and time it."""
    began = time.perf_counter()
    # As Django does when a request begins: a connection that is broken or too old is replaced.
    close_old_connections()
    with tracing.trace_of_request(environ) as trace:
        headers = headers | tracing.headers_of(environ, trace)
        try:
            count(wanted["buyer_id"], headers)
            accepted = api.buy(**wanted)
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


def count(account_id: int, headers: Headers) -> None:
    """Count the purchase against the buyer's limit and add its headers; raises Throttled."""
    counted = limits.count_request(BuyView.throttle_scope, limits.name_of(account_id))
    headers |= counted.headers
    if counted.wait_seconds is not None:
        raise Throttled(counted.wait_seconds)
