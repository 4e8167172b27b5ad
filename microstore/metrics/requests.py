"""Histogram of requests by route, never by address."""

import time
from collections.abc import Callable
from functools import cache

from django.http import HttpRequest, HttpResponse

from microstore.metrics import Histogram

SECONDS = Histogram(
    "microstore_request_seconds",
    "How long requests took, by route, method and status.",
    ["route", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
# Any other method is counted as one: a client that invents methods would create a series for each.
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

series = cache(SECONDS.labels)  # as many as there are routes, methods and statuses


def observe(route: str, method: str, status: int, *, seconds: float) -> None:
    """Add one request to the histogram."""
    series(route, method, status).observe(seconds)


def measure_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that times each request."""

    def measured(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = get_response(request)
        method = request.method if request.method in METHODS else "other"
        observe(route_of(request), str(method), response.status_code, seconds=time.perf_counter() - began)
        return response

    return measured


def route_of(request: HttpRequest) -> str:
    """Return the name of the URL pattern, such as `buy`, or the pattern itself."""
    match = request.resolver_match
    if match is None:
        return "none"
    return match.view_name if match.url_name else match.route
