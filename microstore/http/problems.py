"""Errors as RFC 9457 problem details."""

from collections.abc import Callable
from http import HTTPStatus
from math import ceil
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.template.loader import select_template
from django.utils.translation import gettext, gettext_noop
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from microstore.database.outage import UNAVAILABLE, drop_connection, is_database_outage
from microstore.refusal import (
    CONTENT_TYPE,
    NotLoggedIn,
    Refusal,
    TokenInvalid,
    TooManyRequests,
    name_of,
    problem,
    refusal,
)

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="api"'}  # RFC 9110, 11.6.1: goes with every 401
# Titles of pages; what HTTPStatus calls them is the title of a problem.
PHRASES = (
    *(
        gettext_noop("Bad Request"),
        gettext_noop("Forbidden"),
        gettext_noop("Not Found"),
        gettext_noop("Gone"),
    ),
    *(gettext_noop("Method Not Allowed"), gettext_noop("Too Many Requests"), gettext_noop("Conflict")),
    *(gettext_noop("Request Entity Too Large"), gettext_noop("Service Unavailable")),
)
MAX_QUOTED = 300  # characters of a value in the request

View = TypeVar("View", bound=Callable[..., Any])


def is_api(request: HttpRequest) -> bool:
    """Return whether the path belongs to the API."""
    return request.path_info.startswith("/api/")


def refuses(*refusals: type[Refusal]) -> Callable[[View], View]:
    """Decorate a view's method with the refusals that it may raise, for the API's schema."""

    def mark(view: View) -> View:
        view.refusals = refusals  # type: ignore[attr-defined]  # an attribute of our own
        return view

    return mark


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: return a problem; None for a fault of the program."""
    error = _named(error)
    if isinstance(error, Refusal):
        headers = CHALLENGE if error.status == HTTPStatus.UNAUTHORIZED else {}
        if error.retry_after_seconds is not None:
            headers = {**headers, "Retry-After": str(error.retry_after_seconds)}
        return Response(refusal(error), error.status, headers=headers, content_type=CONTENT_TYPE)
    if isinstance(error, RequestDataTooBig):
        return _with_status(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, gettext("The request body is too large."))
    if isinstance(error, UnreadablePostError):
        return _with_status(
            HTTPStatus.BAD_REQUEST, gettext("The request body is shorter than its Content-Length.")
        )
    if is_database_outage(error):
        drop_connection()
        return _with_status(HTTPStatus.SERVICE_UNAVAILABLE, gettext(UNAVAILABLE), "1")
    response = exception_handler(error, context)
    if response is None:
        return None
    status = HTTPStatus(response.status_code)
    invalid = isinstance(error, exceptions.ValidationError)
    detail = gettext("The request has invalid fields.") if invalid else _detail(response.data)
    body = problem(status, detail)
    if invalid:
        body["errors"] = _printable(response.data)
    response.data, response.content_type = body, CONTENT_TYPE
    return response


def _named(error: Exception) -> Exception:
    # DRF's own exceptions for these have one class and no type: a client could not tell what to do.
    if isinstance(error, exceptions.Throttled):
        refused: Refusal = TooManyRequests(str(error.detail))
        wait: float | None = getattr(error, "wait", None)  # set by its constructor
        refused.retry_after_seconds = None if wait is None else ceil(wait)
        return refused
    if getattr(error, "status_code", None) != HTTPStatus.UNAUTHORIZED:
        return error
    if isinstance(error, exceptions.NotAuthenticated):
        return NotLoggedIn(str(error.detail))
    if isinstance(error, exceptions.AuthenticationFailed):
        return TokenInvalid(_detail(error.detail))
    return error


def as_json(error: Exception) -> JsonResponse | None:
    """Return the problem of an exception for a view outside DRF; None for a fault of the program."""
    response = answer(error, {})
    if response is None:
        return None
    headers = {name: value for name, value in response.headers.items() if name != "Content-Type"}
    return JsonResponse(
        response.data,
        status=response.status_code,
        headers=headers,
        content_type=CONTENT_TYPE,
        json_dumps_params={"separators": (",", ":"), "ensure_ascii": False},
    )


def answer_exceptions(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that turns refusals and DRF's exceptions into responses for views outside DRF, too."""

    def answered(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if settings.DEBUG and response.status_code == HTTPStatus.NOT_FOUND and is_api(request):
            # In place of the page with which Django helps in development.
            return response if response["Content-Type"] == CONTENT_TYPE else not_found(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not response.content.startswith(b"{"):
            # Of Django's views and decorators it is empty, of DRF's pages a line of text.
            return method_not_allowed(request, response["Allow"])
        return response

    answered.process_exception = page_of_exception  # type: ignore[attr-defined]  # Django looks for it there
    return answered


def page_of_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Return a page or problem for an exception that the request caused; None for a fault of the program."""
    unreadable = isinstance(error, SuspiciousOperation | MultiPartParserError)
    if unreadable and not isinstance(error, RequestDataTooBig):
        return bad_request(request, error)
    if not isinstance(error, exceptions.APIException | Refusal | UnreadablePostError | RequestDataTooBig):
        return None
    response = answer(error, {})
    assert response is not None
    page = as_page_or_problem(request, HTTPStatus(response.status_code), _sentence(response.data))
    for name in ("Retry-After", "WWW-Authenticate"):
        if name in response.headers:
            page.headers[name] = response.headers[name]
    return page


def _sentence(body: dict[str, Any]) -> str:
    # The page has no fields beside which their errors could stand, so it shows the first one.
    errors = next(iter(body.get("errors", {}).values()), None)
    return str(errors[0]) if isinstance(errors, list) and errors else str(body["detail"])


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: a host that is not ours, a form with too many fields."""
    return as_page_or_problem(
        request, HTTPStatus.BAD_REQUEST, gettext("The request could not be understood.")
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403: a page that the visitor may not see."""
    return as_page_or_problem(request, HTTPStatus.FORBIDDEN, gettext("You may not see this page."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW: a form that is not from our own pages, or too old."""
    detail = gettext("The form has expired. Go back, reload the page and send it again.")
    return as_page_or_problem(request, HTTPStatus.FORBIDDEN, detail)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler404: an address without a page."""
    return as_page_or_problem(
        request,
        HTTPStatus.NOT_FOUND,
        gettext("There is nothing at {path}.").format(path=request.path[:MAX_QUOTED]),
    )


def method_not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    """Return a page or problem that names the methods of the address, as its header `Allow` does."""
    page = as_page_or_problem(
        request,
        HTTPStatus.METHOD_NOT_ALLOWED,
        gettext("This address takes only {methods}.").format(methods=allowed),
    )
    page.headers["Allow"] = allowed
    return page


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: an exception that is a fault of the program."""
    # JSON for browsers, too: a page reads session and user from the database, which may be the fault.
    body = problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here; quote the X-Trace-Id.")
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)


def as_page_or_problem(request: HttpRequest, status: HTTPStatus, detail: str) -> HttpResponse:
    """Return a page for a browser outside the API, a problem for any other client."""
    body = problem(status, detail)
    if is_api(request) or not _prefers_page(request):
        return JsonResponse(body, status=status, content_type=CONTENT_TYPE)
    page = select_template(["problem.html", "staff/problem.html"])  # the service's own, or the admin's
    return HttpResponse(page.render(body | {"title": gettext(name_of(status))}, request), status=status)


def _prefers_page(request: HttpRequest) -> bool:
    try:
        return request.get_preferred_type([CONTENT_TYPE, "text/html"]) == "text/html"
    except (ValueError, LookupError):  # of a parameter in RFC 2231's encoding, b*=x'y'z
        return False


def _with_status(status: HTTPStatus, detail: str, retry_after_seconds: str = "") -> Response:
    headers = {"Retry-After": retry_after_seconds} if retry_after_seconds else None
    return Response(problem(status, detail), status, headers=headers, content_type=CONTENT_TYPE)


def _printable(value: Any) -> Any:
    # Errors quote the request, which may be long, or hold a lone surrogate that UTF-8 cannot encode.
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    return str(value).encode(errors="backslashreplace").decode()[:MAX_QUOTED]


def _detail(data: Any) -> str:
    return str(data.get("detail", data)) if isinstance(data, dict) else str(data)
