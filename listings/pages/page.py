"""What every page of the shop has: its frame, its policy, and who is looking."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.request import Request

from listings.pages import queries
from listings.pages.carts import cart_of
from microstore.http.pagination import NewestFirst
from microstore.http.security import POLICY
from microstore.refusal import Refusal


def render_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """A page of the shop. It may talk to the live feed, wherever that is."""
    # Before anything else is read: the live feed then tells what has happened since.
    frame = {"live_url": settings.LIVE_URL, "live_after": queries.latest_seq()}
    frame |= {"unread": queries.unread_of(request.user.pk), "in_cart": len(cart_of(request))}
    response = render(request, f"shop/{template}", frame | (context or {}), status=status)
    response.headers["Content-Security-Policy"] = policy()
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def page_of(request: HttpRequest, rows: QuerySet[Any], *, name: str) -> dict[str, Any]:
    """One page of a long list under this name, and where the others are."""
    pages = NewestFirst()
    shown = pages.paginate_queryset(rows, Request(request))
    return {name: shown, "next": pages.get_next_link(), "previous": pages.get_previous_link()}


def visitor_id(request: HttpRequest) -> int:
    """Who is looking, on a page that needs a log-in."""
    assert request.user.pk is not None
    return request.user.pk


def render_refusal(request: HttpRequest, error: Refusal) -> HttpResponse:
    """A page that says why not."""
    return render_page(request, "refusal.html", {"reason": str(error)}, status=error.status)


def policy() -> str:
    """The pages' Content-Security-Policy: ours, the live feed, and pictures from where they are stored."""
    media = urlsplit(settings.MEDIA_URL)
    elsewhere = f" {media.scheme}://{media.netloc}" if media.netloc else ""
    pictures = POLICY.replace("img-src 'self'", f"img-src 'self'{elsewhere}")
    return f"{pictures}; connect-src 'self' {settings.LIVE_URL}".rstrip()
