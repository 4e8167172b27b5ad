"""Django's middleware for pages, kept off the API: it knows its callers by their tokens alone."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseForbidden
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin

SESSION_KEY = re.compile("[a-z0-9]{8,40}")

if TYPE_CHECKING:
    Mixin = MiddlewareMixin
else:
    Mixin = object


def is_api(request: HttpRequest) -> bool:
    """Whether the address is the API's."""
    return request.path_info.startswith("/api/")


class PagesOnly(Mixin):
    """Steps aside for the API; the five together would cost it a fifth of a request."""

    def __call__(self, request: HttpRequest) -> Any:
        """As ever for pages."""
        return self.get_response(request) if is_api(request) else super().__call__(request)


class Sessions(PagesOnly, SessionMiddleware):
    """Who is browsing."""

    def process_request(self, request: HttpRequest) -> None:
        """Drop a cookie that is no session's: PostgreSQL refuses a NUL, which a quoted cookie can hold."""
        if not SESSION_KEY.fullmatch(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")):
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        super().process_request(request)


class Common(CommonMiddleware):
    """Adds the slash that an address lacks, where nothing is lost by it.

    Clients repeat a POST that meets a 301 as a GET, without its body.
    """

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return request.method in {"GET", "HEAD"} and super().should_redirect_with_slash(request)


class Csrf(PagesOnly, CsrfViewMiddleware):
    """Forms come from our own pages."""

    def process_view(
        self,
        request: HttpRequest,
        callback: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseForbidden | None:
        """Called beside `__call__`."""
        return None if is_api(request) else super().process_view(request, callback, args, kwargs)


class LogIn(PagesOnly, AuthenticationMiddleware):
    """Who has logged in."""


class Messages(PagesOnly, MessageMiddleware):
    """What the next page tells."""


class Framing(PagesOnly, XFrameOptionsMiddleware):
    """No page of ours inside another's."""
