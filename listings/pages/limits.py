"""Request limits of pages: the API's own quotas, counted together with the API's requests."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from rest_framework.request import Request

from listings.pages.page import Page, render_page
from microstore.http.limits import Limits, network_of


class LimitsOfNetworks(Limits):
    """Limits by network, whoever has logged in, as of the API's addresses that read no log-in.

    Or each account that somebody signs up for would have a quota of its own for the next ones.
    """

    def client_of(self, request: Request) -> str:
        return network_of(self.get_ident(request) or "")


def limited(
    scope: str, *, method: str = "POST", parameter: str = "", by: type[Limits] = Limits
) -> Callable[[Page], Page]:
    """Count a page's requests of the method against the scope; beyond its quota return a 429.

    With `parameter` only those are counted whose query string has it.
    """

    def decorate(page: Page) -> Page:
        @wraps(page)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            method_counted = "GET" if request.method == "HEAD" else request.method
            spared = method_counted != method or (parameter and not request.GET.get(parameter))
            if spared or not settings.LIMITS_URL:
                return page(request, *args, **kwargs)
            # It is a throttle of DRF and needs no more of a view and a request of DRF than these have.
            limits, view = by(), cast("Any", SimpleNamespace(throttle_scope=scope, headers={}))
            if limits.allow_request(cast("Request", request), view):
                return page(request, *args, **kwargs)
            wait = str(limits.wait() or 1)
            text = gettext("Too many requests at once. Please try again in {wait} seconds.")
            context = {"reason": text.format(wait=wait)}
            response = render_page(request, "refusal.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
            response.headers["Retry-After"] = wait
            return response

        return counted

    return decorate
