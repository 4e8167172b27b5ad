"""What the person has bought."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from listings.models import Order
from listings.pages import queries
from listings.pages.page import render_page, visitor_id
from microstore.pagination import NewestFirst


@require_safe
@login_required
def orders(request: HttpRequest) -> HttpResponse:
    """Orders with their status, which changes while one looks."""
    bought = page_of_orders(request, queries.orders_bought_by(visitor_id(request)))
    return render_page(request, "orders.html", bought | {"new": request.GET.get("new", "")})


def page_of_orders(request: HttpRequest, orders: QuerySet[Order]) -> dict[str, Any]:
    """One page of them, and where the others are."""
    pages = NewestFirst()
    try:
        shown = pages.paginate_queryset(orders, Request(request))
    except NotFound:
        shown = []
    return {"orders": shown, "next": pages.get_next_link(), "previous": pages.get_previous_link()}
