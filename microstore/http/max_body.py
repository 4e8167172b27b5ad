"""How large a request may be."""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from microstore.http.problems import as_page_or_problem


def bound_bodies(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: of a body above MAX_BODY_BYTES nothing is read; files have no other bound in Django."""

    def bounded(request: HttpRequest) -> HttpResponse:
        if int(request.META.get("CONTENT_LENGTH") or 0) <= settings.MAX_BODY_BYTES:
            return get_response(request)
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return as_page_or_problem(request, status, "The request body is too large.")

    return bounded
