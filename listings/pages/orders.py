"""Pages of the visitor's orders and of cancelling one."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from listings.models import Order
from listings.orders.checkouts import find_checkout, find_checkouts
from listings.pages import queries
from listings.pages.page import page_of, render_page, shows_refusals, visitor_id
from listings.refunds.request import REFUNDABLE
from listings.refusals import OrderNotFound
from listings.settling.cancel import cancel_order
from microstore.refusal import Refusal


@require_safe
@login_required
def orders(request: HttpRequest) -> HttpResponse:
    """Show the orders that the visitor has placed; the live feed updates their status."""
    bought = page_of(request, queries.orders_bought_by(visitor_id(request)), name="orders")
    checkouts = find_checkouts(order.checkout_id for order in bought["orders"])
    return render_page(
        request, "orders.html", bought | {"new": request.GET.get("new", ""), "checkouts": checkouts}
    )


@require_safe
@login_required
@shows_refusals
def checkout_page(request: HttpRequest, checkout_id: UUID) -> HttpResponse:
    """Show the orders of one checkout to its buyer; 404 to anybody else."""
    checkout = find_checkout(checkout_id, queries.orders_bought_by(visitor_id(request)))
    return render_page(request, "checkout.html", {"checkout": checkout, "orders": checkout.orders})


@require_safe
@login_required
@shows_refusals
def order_page(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Show one order to its buyer or its seller; 404 to anybody else."""
    visitor = visitor_id(request)
    order = queries.orders_bought_by(visitor).filter(id=order_id).first()
    sale = None if order else queries.orders_sold_by(visitor).filter(id=order_id).first()
    found = order or sale
    if found is None:
        raise OrderNotFound(gettext("You have no such order."))
    context = {"orders": [found], "selling": bool(sale), "refunds": found.refunds.order_by("id")}
    return render_page(request, "order.html", context | {"refundable": sale and found.status in REFUNDABLE})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@shows_refusals
def cancel(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Show a confirmation; a POST cancels the order, or shows why it cannot be cancelled any more."""
    order = queries.orders_bought_by(visitor_id(request)).filter(id=order_id).first()
    if order is None:
        raise OrderNotFound(gettext("You have no such order."))
    if request.method != "POST":
        return _confirm(request, order)
    try:
        cancel_order(order_id, buyer_id=visitor_id(request))
    except Refusal as error:
        # It has been settled since it was read above.
        order.refresh_from_db()
        return _confirm(request, order, status=error.status, reason=str(error))
    return redirect("shop:order", order_id)


def _confirm(request: HttpRequest, order: Order, *, status: int = 200, **context: Any) -> HttpResponse:
    return render_page(request, "cancel.html", {"orders": [order], "order": order} | context, status=status)
