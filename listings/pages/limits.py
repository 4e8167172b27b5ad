"""The API's limits, for pages: whoever uses up a quota here has used it up there."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from listings.pages.page import render_page
from microstore.http.limits import Limits

Page = Callable[..., HttpResponse]


def limited(scope: str, *, method: str = "POST") -> Callable[[Page], Page]:
    """Decorator: requests of this method count against the scope; one too many is a 429."""

    def decorate(page: Page) -> Page:
        @wraps(page)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            asked = "GET" if request.method == "HEAD" else request.method
            if asked != method or not settings.LIMITS_URL:
                return page(request, *args, **kwargs)
            limits, view = Limits(), cast("Any", SimpleNamespace(throttle_scope=scope, headers={}))
            if limits.allow_request(cast("Request", request), view):
                return page(request, *args, **kwargs)
            wait = str(limits.wait() or 1)
            said = {"reason": f"That was a lot at once. Please try again in {wait} seconds."}
            response = render_page(request, "refusal.html", said, status=HTTPStatus.TOO_MANY_REQUESTS)
            response.headers["Retry-After"] = wait
            return response

        return counted

    return decorate
