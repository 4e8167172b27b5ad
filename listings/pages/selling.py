"""Pages for putting something on sale, and of a seller's sales."""

import json
import re
from collections.abc import Iterable
from datetime import date, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from listings.accounts.bank_account import find_bank_account
from listings.catalogue.picture_files import Picture
from listings.catalogue.selling import add_image
from listings.catalogue.serializers import ListingSerializer
from listings.models import Listing
from listings.money import UnreadableAmount, format_amount, read_amount
from listings.pages import queries
from listings.pages.limits import limited
from listings.pages.listing_form import as_api, as_form, choices, draw_pictures, read_form
from listings.pages.page import page_of, redirect_to_published, render_page, shows_refusals, visitor_id
from listings.queries import find_account
from microstore.refusal import Refusal
from microstore.staff.columns import peer_url
from microstore.staff.money import minor_unit_digits

STATEMENT_MONTHS = 24  # offered; the API has older ones
SHOWN_LISTINGS = 12  # the newest; a page of their own has all


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@limited("images")
@shows_refusals
def sell(request: HttpRequest) -> HttpResponse:
    """Show the form; a POST puts a listing on sale at once, or shows the form again with its problems."""
    if request.method != "POST":
        return _form(request, {"quantity": "1", "currency": settings.CURRENCIES[0]})
    given = read_form(request)
    fields, problems = as_api(given)
    listing = ListingSerializer(data=fields)
    if not listing.is_valid():
        return _form(request, given, problems=as_form(listing.errors, given["currency"]) | problems)
    try:
        pictures = draw_pictures(request)
    except Refusal as error:
        return _form(request, given, problems={"image": [str(error)]})
    return redirect_to_published(_put_on_sale(request, listing, pictures).pk)


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
@limited("search", method="GET", parameter="search")
def sales(request: HttpRequest) -> HttpResponse:
    """Show orders of the visitor's listings and their sums; those of `?listing=`, or that fit `?search=`."""
    seller, wanted = visitor_id(request), request.GET.get("listing", "")
    orders, own = queries.orders_sold_by(seller), queries.listings_of(seller)
    only = own.filter(id=int(wanted)).first() if re.fullmatch("[0-9]{1,18}", wanted) else None
    sought = "" if only else request.GET.get("search", "").strip()
    if only:
        orders = orders.filter(listing=only)
    elif sought:
        orders = queries.find_sales(orders, own, sought)
    context = page_of(request, orders, name="orders") | {
        "only": only,
        "sought": sought,
        "figures": queries.sum_sales(orders),
        "max_summed": queries.MAX_SUMMED,
        "listings": [] if only or sought else own[:SHOWN_LISTINGS],
    }
    return render_page(request, "sales.html", context)


@require_safe
@login_required
def balance(request: HttpRequest) -> HttpResponse:
    """Show the frame of the balance and ledger, which the browser reads from the transactions service."""
    api = peer_url("transactions")
    digits = {currency: minor_unit_digits(currency) for currency in settings.CURRENCIES}
    context = {
        "api": api,
        "digits": json.dumps(digits),
        "bank_account": find_bank_account(visitor_id(request)),
        "months": _months(timezone.now().date()),
    }
    page = render_page(request, "balance.html", context)
    # Its last directive is connect-src.
    page.headers["Content-Security-Policy"] += f" {api}"
    return page


def _months(today: date) -> list[date]:
    first, months = today.replace(day=1), list[date]()
    while len(months) < STATEMENT_MONTHS:
        months.append(first)
        first = (first - timedelta(days=1)).replace(day=1)
    return months


@transaction.atomic
def _put_on_sale(request: HttpRequest, listing: ListingSerializer, pictures: Iterable[Picture]) -> Listing:
    # One database transaction: nobody sees the listing without its pictures.
    made: Listing = listing.save(seller=find_account(visitor_id(request)))
    for picture in pictures:
        add_image(made, picture)
    return made


def _form(request: HttpRequest, given: dict[str, str], **context: object) -> HttpResponse:
    return render_page(
        request, "sell.html", choices() | {"given": given} | context, status=400 if context else 200
    )
