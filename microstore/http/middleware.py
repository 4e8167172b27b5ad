"""Django's middleware for pages, skipped for the API, which authenticates its callers by tokens alone."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin
from django_otp.middleware import OTPMiddleware

from microstore.http.problems import is_api, page_of_exception

SESSION_KEY = re.compile("[a-z0-9]{8,40}")

if TYPE_CHECKING:
    Mixin = MiddlewareMixin
else:
    Mixin = object


class PagesOnly(Mixin):
    """Mixin that skips a middleware for the API."""

    # Measured: the five of them took a fifth of the time of an API request.

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request) if is_api(request) else super().__call__(request)


class Sessions(PagesOnly, SessionMiddleware):
    """Session middleware that ignores malformed cookies."""

    def process_request(self, request: HttpRequest) -> None:
        # A quoted cookie can hold a NUL, with which PostgreSQL refuses the query: a 500 for each page.
        if not SESSION_KEY.fullmatch(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")):
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        super().process_request(request)


class Common(CommonMiddleware):
    """Common middleware that redirects to the address with a slash for GET and HEAD alone."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]  # it redirects
        try:
            return super().process_request(request)
        except SuspiciousOperation as error:  # a foreign host; with DEBUG Django would show its own page
            return page_of_exception(request, error)

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        # Clients may repeat a POST after a 301 as a GET, without its body (RFC 9110, 15.4.2).
        return request.method in {"GET", "HEAD"} and super().should_redirect_with_slash(request)


class Csrf(PagesOnly, CsrfViewMiddleware):
    """CSRF check of the forms on pages."""

    # The API needs none: a browser sends no Authorization header by itself from another site.

    def process_view(  # type: ignore[override]  # it refuses with other statuses, too
        self,
        request: HttpRequest,
        callback: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        # Django calls this directly, so skipping `__call__` is not enough.
        if is_api(request):
            return None
        try:
            return super().process_view(request, callback, args, kwargs)
        except (SuspiciousOperation, MultiPartParserError) as error:  # the check reads the form
            return page_of_exception(request, error)


class LogIn(PagesOnly, AuthenticationMiddleware):
    """Middleware that sets `request.user` on pages."""


class SecondFactor(PagesOnly, OTPMiddleware):
    """Middleware that sets `otp_device` of the user, None where the session has not passed it."""


class Messages(PagesOnly, MessageMiddleware):
    """Middleware for messages on the next page."""


class Framing(PagesOnly, XFrameOptionsMiddleware):
    """Middleware that forbids framing of pages (clickjacking)."""
