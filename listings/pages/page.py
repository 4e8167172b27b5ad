"""Rendering of pages: their common context, headers, pagination and visitor."""

import re
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from listings.live.events import latest_seq
from listings.models import MAX_QUANTITY
from listings.pages import queries
from listings.pages.carts import cart_of
from listings.pages.words import words
from microstore.http.pagination import NewestFirst
from microstore.http.security import POLICY
from microstore.http.serializers import StrictIntegerField
from microstore.refusal import Refusal

Page = Callable[..., HttpResponse]
NUMBER = re.compile("[0-9]{1,9}")


def render_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """Render a template of the shop with the common context and headers."""
    # Read before the template's queries: what is committed meanwhile reaches the page by the live feed.
    frame = {"live_url": settings.LIVE_URL, "live_after": latest_seq()}
    frame |= {"unread": queries.unread_of(request.user.pk), "in_cart": len(cart_of(request))}
    frame["words"] = words()
    response = render(request, f"shop/{template}", frame | (context or {}), status=status)
    response.headers["Content-Security-Policy"] = policy()
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def page_of(request: HttpRequest, rows: QuerySet[Any], *, name: str) -> dict[str, Any]:
    """Return a template context: one page of rows under `name`, and the links `next` and `previous`."""
    pages = NewestFirst()
    shown = pages.paginate_queryset(rows, Request(request))
    return {name: shown, "next": pages.get_next_link(), "previous": pages.get_previous_link()}


def visitor_id(request: HttpRequest) -> int:
    """Return the id of the logged-in user; only for views with `login_required`."""
    assert request.user.pk is not None
    return request.user.pk


def read_quantity(request: HttpRequest, *, name: str = "quantity", least: int = 1) -> int:
    """Return a quantity of the form, 1 where it has none; raises ValidationError for what is no such one.

    Nothing is guessed: whoever wrote 1.5 or 1000000 is not sold one piece.
    """
    text = request.POST.get(name, "1")
    field = StrictIntegerField(min_value=least, max_value=MAX_QUANTITY)
    try:
        quantity: int = field.run_validation(int(text) if NUMBER.fullmatch(text) else text)
    except ValidationError as error:
        raise ValidationError({"quantity": error.detail}) from error
    return quantity


def shows_refusals(page: Page) -> Page:
    """Decorate a view: a Refusal that it raises is a page with its reason and status."""

    @wraps(page)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return page(request, *args, **kwargs)
        except Refusal as error:
            return render_page(request, "refusal.html", {"reason": str(error)}, status=error.status)

    return shown


def redirect_to_published(listing_id: int) -> HttpResponse:
    """Redirect to the page of a listing, which then says at which price it is on sale."""
    return redirect(f"{reverse('shop:listing', args=[listing_id])}?published=1")


def redirect_into(section: str, name: str, *args: object, query: str = "") -> HttpResponse:
    """Redirect to a section of a page of the shop, where the next Tab goes on."""
    response = redirect(f"shop:{name}", *args)
    response.headers["Location"] += f"?{query}#{section}" if query else f"#{section}"
    return response


def policy() -> str:
    """Return POLICY with the live feed and the host that stores the pictures."""
    media = urlsplit(settings.MEDIA_URL)
    elsewhere = f" {media.scheme}://{media.netloc}" if media.netloc else ""
    pictures = POLICY.replace("img-src 'self'", f"img-src 'self'{elsewhere}")
    return f"{pictures}; connect-src 'self' {settings.LIVE_URL}".rstrip()
