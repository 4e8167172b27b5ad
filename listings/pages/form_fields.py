"""Fields of the pages' forms: those that a view would ignore are refused."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext

from microstore.http.problems import as_page_or_problem

SEVERAL = {"events"}  # of which a form has more than one
FILES = {"image"}
OF_LINKS = {"next", "token"}  # to a form, or of RFC 8058: views read these in the address, too


def refuse_ignored_fields(pattern: URLPattern) -> URLPattern:
    """Make the pattern's view refuse a POST with fields in its address or as files, or with one twice (400).

    A purchase of `?quantity=5` would be one of a single piece, and of two quantities the last one counted.
    """
    pattern.callback = _strict(pattern.callback)
    return pattern


def _strict(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(page)
    def strict(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        fault = _find_ignored(request) if request.method == "POST" else ""
        if fault:
            return as_page_or_problem(request, HTTPStatus.BAD_REQUEST, fault)
        return page(request, *args, **kwargs)

    return strict


def _find_ignored(request: HttpRequest) -> str:
    if request.GET.keys() - OF_LINKS:
        return gettext("Send fields in the form; the address takes none.")
    if any(len(values) > 1 for name, values in request.POST.lists() if name not in SEVERAL):
        return gettext("The form has a field twice.")
    if request.FILES.keys() - FILES:  # a part that names a file is no field, whatever it is called
        return gettext("The form has a file that is not asked for.")
    return ""
