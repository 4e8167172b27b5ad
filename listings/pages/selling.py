"""Pages for creating listings, and of a seller's listings and sales."""

import re
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listings.accounts.addresses import ensure_may_sell
from listings.catalogue import selling
from listings.catalogue.serializers import ListingSerializer
from listings.models import MAX_PRICE_CENTS, Category, Listing
from listings.money import UnreadableAmount, format_amount, read_amount
from listings.pages import queries
from listings.pages.limits import limited
from listings.pages.page import page_of, render_page, render_refusal, visitor_id
from listings.queries import find_account
from microstore.refusal import Refusal

MAX_LISTINGS = 60  # on one page; the newest
NUMBER = re.compile("[0-9]{1,9}")
FIELDS = ("title", "description", "category", "price", "currency", "quantity")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@limited("images")
def sell(request: HttpRequest) -> HttpResponse:
    """Show the form; a POST puts a listing on sale at once, or shows the form again with its problems."""
    if request.method != "POST":
        return _form(request, {"quantity": "1", "currency": settings.CURRENCIES[0]})
    given = {name: request.POST.get(name, "").strip() for name in FIELDS}
    fields, problems = _as_api(given)
    listing = ListingSerializer(data=fields)
    if not listing.is_valid():
        return _form(request, given, problems=_as_form(listing.errors, given["currency"]) | problems)
    try:
        made = _put_on_sale(request, listing)
    except Refusal as error:
        return _form(request, given, problems={"image": [str(error)]})
    return redirect("shop:listing", made.pk)


@require_safe
@login_required
def price(request: HttpRequest) -> JsonResponse:
    """Return the amount as buyers would see it, for the form to show while the seller types."""
    text, currency = request.GET.get("price", ""), request.GET.get("currency", "")
    if currency not in settings.CURRENCIES:
        return JsonResponse({"shown": "", "problem": ""})
    try:
        return JsonResponse({"shown": format_amount(read_amount(text, currency), currency), "problem": ""})
    except UnreadableAmount as error:
        return JsonResponse({"shown": "", "problem": str(error)})


@require_safe
@login_required
def sales(request: HttpRequest) -> HttpResponse:
    """Show the visitor's listings and the orders of them."""
    return render_page(
        request,
        "sales.html",
        {
            **page_of(request, queries.orders_sold_by(visitor_id(request)), name="orders"),
            "listings": queries.listings_of(visitor_id(request))[:MAX_LISTINGS],
        },
    )


@require_POST
@login_required
def set_sale(request: HttpRequest, listing_id: str, action: str) -> HttpResponse:
    """Withdraw the listing or publish it again, as `action` names."""
    change = {"withdraw": selling.withdraw_listing, "publish": selling.publish_listing}[action]
    try:
        change(selling.own_listing(int(listing_id), seller_id=visitor_id(request)), editions=None)
    except Refusal as error:
        return render_refusal(request, error)
    return redirect("shop:sales")


@transaction.atomic
def _put_on_sale(request: HttpRequest, listing: ListingSerializer) -> Listing:
    # One database transaction: a picture that is refused rolls the listing back.
    seller = find_account(visitor_id(request))
    ensure_may_sell(seller)
    made: Listing = listing.save(seller=seller)
    if image := request.FILES.get("image"):
        selling.add_image(made, image)
    return made


def _form(request: HttpRequest, given: dict[str, str], **context: object) -> HttpResponse:
    choices = {"categories": Category.choices, "currencies": settings.CURRENCIES}
    status = 400 if context else 200
    return render_page(request, "sell.html", choices | {"given": given} | context, status=status)


def _as_api(given: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    # A price that cannot be read is left out and its problem returned, to be shown with the serializer's.
    fields: dict[str, Any] = {name: given[name] for name in FIELDS if name not in ("price", "quantity")}
    quantity = given["quantity"]
    fields["quantity"] = int(quantity) if NUMBER.fullmatch(quantity) else quantity
    if given["currency"] not in settings.CURRENCIES:
        return fields, {}
    try:
        return fields | {"price_cents": read_amount(given["price"], given["currency"])}, {}
    except UnreadableAmount as error:
        return fields, {"price": [str(error)]}


def _as_form(errors: dict[str, Any], currency: str) -> dict[str, Any]:
    # The form takes a price in the currency, the API cents: the API's message would name the wrong unit.
    problems = dict(errors)
    if problems.pop("price_cents", None) and currency in settings.CURRENCIES:
        most = format_amount(MAX_PRICE_CENTS, currency)
        problems["price"] = [f"Write an amount above zero and up to {most}."]
    return problems
