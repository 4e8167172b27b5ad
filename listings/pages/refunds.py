"""The page on which a seller refunds an order, in whole or in part."""

import re
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from listings.models import Order
from listings.money import UnreadableAmount, format_amount, read_amount
from listings.pages import queries
from listings.pages.page import redirect_into, render_page, shows_refusals, visitor_id
from listings.refunds.request import RefundRequest, find_left, request_refund
from listings.refunds.serializers import RequestRefundSerializer
from listings.refusals import OrderNotFound
from microstore.refusal import Refusal

NUMBER = re.compile("[0-9]{1,9}")
FIELDS = ("reason", "amount", "pieces")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@shows_refusals
def refund(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Show the form; a POST requests the refund, or shows the form again with the reason why it cannot be."""
    order = queries.orders_sold_by(visitor_id(request)).filter(id=order_id).first()
    if order is None:
        raise OrderNotFound(gettext("You have no such sale."))
    if request.method != "POST":
        return _form(request, order, {"key": str(uuid4())})
    given = {name: request.POST.get(name, "").strip() for name in (*FIELDS, "key")}
    fields, problems = _as_api(given, order.currency)
    body = RequestRefundSerializer(data=fields)
    if not body.is_valid() or problems:
        return _form(request, order, given, status=400, problems=_as_form(body.errors, order) | problems)
    try:
        # The form's key: a second click on it is the same refund.
        key = given["key"] if re.fullmatch("[0-9a-f-]{36}", given["key"]) else None
        _request(order, visitor_id(request), key, body.validated_data)
    except Refusal as error:
        return _form(request, order, given, status=error.status, reason=str(error))
    return redirect_into("refunds", "order", order_id)


def _request(order: Order, seller_id: int, key: str | None, fields: dict[str, Any]) -> None:
    request_refund(RefundRequest(order_id=order.pk, requested_by_id=seller_id, key=key, **fields))


def _as_api(given: dict[str, str], currency: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the API's fields, and the problem of an amount that cannot be read, which is then left out."""
    pieces = given["pieces"] or "0"
    fields: dict[str, Any] = {"reason": given["reason"]}
    fields["return_quantity"] = int(pieces) if NUMBER.fullmatch(pieces) else pieces
    if not given["amount"]:
        return fields, {}
    try:
        return fields | {"amount_cents": read_amount(given["amount"], currency)}, {}
    except UnreadableAmount as error:
        return fields, {"amount": [str(error)]}


def _as_form(errors: dict[str, Any], order: Order) -> dict[str, Any]:
    problems = dict(errors)
    if problems.pop("amount_cents", None):
        most = format_amount(find_left(order).amount_cents, order.currency)
        problems["amount"] = [gettext("Write an amount above zero and up to {most}.").format(most=most)]
    if wrong := problems.pop("return_quantity", None):
        problems["pieces"] = wrong
    return problems


def _form(
    request: HttpRequest, order: Order, given: dict[str, str], *, status: int = 200, **context: Any
) -> HttpResponse:
    shown = {"orders": [order], "order": order, "left": find_left(order), "given": given}
    return render_page(request, "refund.html", shown | context, status=status)
