"""Putting something on sale, and what became of it."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listings.catalogue import selling
from listings.catalogue.serializers import ListingSerializer
from listings.models import Category, Listing
from listings.money import minor_units
from listings.pages import queries
from listings.pages.limits import limited
from listings.pages.page import page_of, render_page, render_refusal, visitor_id
from listings.queries import find_account
from microstore.refusal import Refusal

MAX_LISTINGS = 60  # on one page; the newest
FIELDS = ("title", "description", "category", "price", "currency", "quantity")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@limited("images")
def sell(request: HttpRequest) -> HttpResponse:
    """The form, and what it makes: on sale at once, or not at all."""
    if request.method != "POST":
        return _form(request, {"quantity": "1", "currency": settings.CURRENCIES[0]})
    given = {name: request.POST.get(name, "").strip() for name in FIELDS}
    listing = ListingSerializer(data=_as_api(given))
    if not listing.is_valid():
        return _form(request, given, problems=_as_form(listing.errors))
    try:
        made = _put_on_sale(request, listing)
    except Refusal as error:
        return _form(request, given, problems={"image": [str(error)]})
    return redirect("shop:listing", made.pk)


@require_safe
@login_required
def sales(request: HttpRequest) -> HttpResponse:
    """What the person sells, and what they have sold."""
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
    """Withdraw it, or put it on sale again."""
    change = {"withdraw": selling.withdraw_listing, "publish": selling.publish_listing}[action]
    try:
        change(selling.own_listing(int(listing_id), seller_id=visitor_id(request)), editions=None)
    except Refusal as error:
        return render_refusal(request, error)
    return redirect("shop:sales")


@transaction.atomic
def _put_on_sale(request: HttpRequest, listing: ListingSerializer) -> Listing:
    """With its picture, if there is one: a bad picture makes no listing."""
    made: Listing = listing.save(seller=find_account(visitor_id(request)))
    if image := request.FILES.get("image"):
        selling.add_image(made, image)
    return made


def _form(request: HttpRequest, given: dict[str, str], **context: object) -> HttpResponse:
    choices = {"categories": Category.choices, "currencies": settings.CURRENCIES}
    status = 400 if context else 200
    return render_page(request, "sell.html", choices | {"given": given} | context, status=status)


def _as_api(given: dict[str, str]) -> dict[str, Any]:
    """What people type as the API takes it; what is no number is left out, and then missed."""
    fields: dict[str, Any] = {name: given[name] for name in FIELDS if name not in ("price", "quantity")}
    price = minor_units(given["price"], given["currency"])
    if price is not None:
        fields["price_cents"] = price
    quantity = given["quantity"]
    fields["quantity"] = int(quantity) if quantity.isascii() and quantity.isdecimal() else quantity
    return fields


def _as_form(errors: dict[str, Any]) -> dict[str, Any]:
    """Its errors in the words of the form."""
    problems = dict(errors)
    if problems.pop("price_cents", None):
        problems["price"] = ["Write an amount above zero, such as 249 or 249.50."]
    return problems
