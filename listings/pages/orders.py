"""What the person has bought, and thinking better of it."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from listings.models import Order
from listings.pages import queries
from listings.pages.page import page_of, render_page, render_refusal, visitor_id
from listings.refusals import OrderNotFound
from listings.settling.cancel import cancel_order
from microstore.refusal import Refusal


@require_safe
@login_required
def orders(request: HttpRequest) -> HttpResponse:
    """Orders with their status, which changes while one looks."""
    bought = page_of(request, queries.orders_bought_by(visitor_id(request)), name="orders")
    return render_page(request, "orders.html", bought | {"new": request.GET.get("new", "")})


@require_safe
@login_required
def order_page(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """One order, for its buyer and its seller."""
    visitor = visitor_id(request)
    order = queries.orders_bought_by(visitor).filter(id=order_id).first()
    sale = None if order else queries.orders_sold_by(visitor).filter(id=order_id).first()
    if not (order or sale):
        return render_refusal(request, OrderNotFound("You have no such order."))
    return render_page(request, "order.html", {"orders": [order or sale], "selling": bool(sale)})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def cancel(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Ask whether it is meant; then cancel it, unless it has been settled meanwhile."""
    order = queries.orders_bought_by(visitor_id(request)).filter(id=order_id).first()
    if order is None:
        return render_refusal(request, OrderNotFound("You have no such order."))
    if request.method != "POST":
        return _ask(request, order)
    try:
        cancel_order(order_id, buyer_id=visitor_id(request))
    except Refusal as error:
        order.refresh_from_db()
        return _ask(request, order, status=error.status, reason=str(error))
    return redirect("shop:order", order_id)


def _ask(request: HttpRequest, order: Order, *, status: int = 200, **context: Any) -> HttpResponse:
    return render_page(request, "cancel.html", {"orders": [order], "order": order} | context, status=status)
