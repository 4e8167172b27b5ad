"""Bounds of request bodies: each has a Content-Length, of at most MAX_BODY_BYTES, and none is ignored."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from microstore.http.problems import as_page_or_problem, is_api

MAX_DIGITS = 18  # Python refuses to parse more than 4,300 (ValueError), which would be a 500
DISCONNECT = {"type": "http.disconnect"}
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
View = TypeVar("View", bound=Callable[..., Any])


class Fault(NamedTuple):
    """Status and detail of the response to a body that is not read."""

    status: HTTPStatus
    detail: str


NO_LENGTH = Fault(HTTPStatus.LENGTH_REQUIRED, "Send the request body with a Content-Length header.")
NO_NUMBER = Fault(HTTPStatus.BAD_REQUEST, "The Content-Length header is not a whole number.")
TOO_LARGE = Fault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request body is too large.")
IN_ADDRESS = Fault(HTTPStatus.BAD_REQUEST, "Send fields in the request body; the address takes none.")
IN_BODY = Fault(HTTPStatus.BAD_REQUEST, "Send no request body; this address takes no fields.")
NO_FORM = Fault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the request body as a form.")
PACKED = Fault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the request body without Content-Encoding.")
NO_UTF8 = Fault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the form in UTF-8.")
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
UTF8 = ("utf-8", "utf8")


def bound_bodies(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: refuse a body without a length (411) or above MAX_BODY_BYTES (413), before it is read.

    Django and DRF take a request without Content-Length for one without a body: a purchase of five, sent in
    chunks, would be a purchase of one. So would one that names its fields in the address.
    """

    def bounded(request: HttpRequest) -> HttpResponse:
        fault = find_fault(request)
        return as_page_or_problem(request, *fault) if fault else get_response(request)

    bounded.process_view = refuse_ignored  # type: ignore[attr-defined]  # Django looks for it there
    return bounded


def takes_no_body(view: View) -> View:
    """Decorate a view's method that reads no fields; those of DELETE read none anyway."""
    view.takes_no_body = True  # type: ignore[attr-defined]  # an attribute of our own
    return view


def refuse_ignored(request: HttpRequest, view: Any, *args: Any) -> HttpResponse | None:
    """Refuse a change that would be made without what it says; None where the view may run."""
    fault = _find_ignored(request, view) if request.method in CHANGING else None
    return as_page_or_problem(request, *fault) if fault else None


def _find_ignored(request: HttpRequest, view: Any) -> Fault | None:
    length = int(request.META.get("CONTENT_LENGTH") or 0)  # its form was checked before
    if not is_api(request):
        return NO_FORM if length and request.content_type not in FORMS else None
    method = str(request.method).lower()
    name = getattr(view, "actions", {method: method}).get(method)
    handler = getattr(getattr(view, "cls", None), name, None) if name else None
    if handler is None:
        return None  # its own answer is 405
    if request.GET:
        return IN_ADDRESS
    reads_none = getattr(handler, "takes_no_body", method == "delete")
    # Some clients send an empty object where there is nothing to send.
    return IN_BODY if reads_none and length > len("{}") else None


def find_fault(request: HttpRequest) -> Fault | None:
    """Return why the body is refused, None where it may be read or there is none."""
    length: str = request.META.get("CONTENT_LENGTH") or ""
    # With both headers, proxies can disagree on where the request ends: request smuggling (RFC 9112, 6.1).
    if "HTTP_TRANSFER_ENCODING" in request.META or (not length and _has_frames(request)):
        return NO_LENGTH
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type in FORMS and charset.lower() not in UTF8:
        return NO_UTF8
    if not length:
        return None
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        return PACKED
    if not (length.isascii() and length.isdecimal() and len(length) <= MAX_DIGITS):
        return NO_NUMBER
    return TOO_LARGE if int(length) > settings.MAX_BODY_BYTES else None


def _has_frames(request: HttpRequest) -> bool:
    # A body in HTTP/2 needs neither Content-Length nor Transfer-Encoding, so only reading shows it. The byte
    # that is read is lost, but then the request is refused.
    is_http2 = request.META.get("SERVER_PROTOCOL", "").startswith("HTTP/2")
    return is_http2 and "wsgi.input" in request.META and bool(request.META["wsgi.input"].read(1))


class BoundedBodies:
    """ASGI middleware that receives nothing of a body that `bound_bodies` refuses, and bounds others' time.

    Django spools the whole body into a file before its first middleware runs. So a refused one is replaced by
    an empty one here, and refused there. One that is not complete after BODY_SECONDS is answered with 408.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        body = Body(receive)
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        if b"transfer-encoding" in headers or len(length) > MAX_DIGITS or _is_too_large(length):
            body.drop()
        elif not length and await body.peek():
            body.drop()
            # Without this header bound_bodies would see a request without a body, and let it pass.
            scope = {**scope, "headers": [*scope["headers"], (b"transfer-encoding", b"chunked")]}
        await self.application(scope, body.receive, send)
        if body.is_cut_short:
            await _answer_cut_short(send)


class Body:
    """Messages of one request's body, with a deadline."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._first: list[Message] = []  # received already, or in place of what was sent
        self._is_complete = self.is_cut_short = False
        # One for the whole body: a client that sends a byte a second would meet a limit for each part.
        self._deadline = asyncio.get_running_loop().time() + settings.BODY_SECONDS

    def drop(self) -> None:
        """Replace the body by an empty one; the client's own is discarded."""
        self._first = [{"type": "http.request", "body": b"", "more_body": False}]

    async def peek(self) -> bool:
        """Return whether there is a body, and keep its first part."""
        message = await self._receive_in_time()
        while message["type"] == "http.request" and not message.get("body") and message.get("more_body"):
            message = await self._receive_in_time()
        self._first = [message]
        return bool(message.get("body"))

    async def receive(self) -> Message:
        """Return the next message, as ASGI's `receive` does for the application."""
        if self._is_complete:
            return await self._receive_disconnect()
        message = self._first.pop() if self._first else await self._receive_in_time()
        self._is_complete = message["type"] == "http.request" and not message.get("more_body")
        self.is_cut_short = message["type"] == "http.disconnect"
        return message

    async def _receive_in_time(self) -> Message:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._receive()
        except TimeoutError:
            return DISCONNECT

    async def _receive_disconnect(self) -> Message:
        # The rest of a replaced body is discarded: Django accepts only a disconnect after the end.
        while (message := await self._receive())["type"] == "http.request":
            pass
        return message


def _is_too_large(length: bytes) -> bool:
    return length.isdigit() and int(length) > settings.MAX_BODY_BYTES


async def _answer_cut_short(send: Send) -> None:
    # Django has sent nothing: its handler returns where the client disconnects within the body.
    text = b"The request body did not arrive.\n"
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", b"%d" % len(text)),
        (b"connection", b"close"),
    ]
    await send(
        {"type": "http.response.start", "status": HTTPStatus.REQUEST_TIMEOUT.value, "headers": headers}
    )
    await send({"type": "http.response.body", "body": text})
