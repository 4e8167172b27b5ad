"""Pages of the catalogue, of one listing, and of buying it."""

import re
from collections.abc import Sequence
from copy import copy
from typing import Any, NamedTuple
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from listings.buying.offer import Offer, write_offer
from listings.buying.place import Purchase
from listings.buying.purchase import buy_listing
from listings.buying.quotes import quote_items
from listings.catalogue.filters import ListingFilter, ListingPages, compared_currency
from listings.models import MAX_PRICE_CENTS, Category, Listing
from listings.money import UnreadableAmount, read_amount
from listings.pages import queries
from listings.pages.limits import limited
from listings.pages.page import read_quantity, render_page, shows_refusals, visitor_id
from listings.queries import visible_listings
from listings.refusals import ListingNotFound, PriceChanged
from listings.templatetags.shop import write_parts, write_total
from microstore.refusal import Refusal
from microstore.telemetry.tracing import current_trace

FILTERS = ("search", "category", "currency", "max_price", "ordering", "in_stock", "seller", "sold_out")
FOLDED = ("category", "currency", "max_price", "ordering", "in_stock", "sold_out")
MAX_COUNTED = 200  # results: to count more would read more than the page shows many times over
MAX_LOOKED_AT = 100
QUANTITY = "[1-9][0-9]{0,5}"
ORDERINGS = (
    ("newest", gettext_lazy("Newest")),
    ("cheapest", gettext_lazy("Price, low to high")),
    ("dearest", gettext_lazy("Price, high to low")),
)
DEFAULT_ORDERING = "newest"


class Shown(NamedTuple):
    """A page of listings, of which those that are sold out come last, and the links to the next ones."""

    listings: Sequence[Listing] = ()
    sold_out: Sequence[Listing] = ()
    previous: str | None = None
    next: str | None = None


class Screens(ListingPages):
    """Pages of the catalogue."""

    page_size = 24


@require_safe
@limited("search", method="GET")
def catalogue(request: HttpRequest) -> HttpResponse:
    """Show the listings on sale, filtered and ordered by the query string."""
    wanted = _wanted(request)
    max_price_cents, problem = _max_price(wanted)
    found = ListingFilter(wanted | {"max_price_cents": max_price_cents}, visible_listings(None))
    shown, count = Shown(), 0
    if found.is_valid() and not problem:
        # A walk along an index of thousands shows what is in stock; words and a tick show the rest, too.
        with_rest = bool(wanted["search"] or wanted["sold_out"]) and not wanted["in_stock"]
        rows = found.qs if with_rest or wanted["in_stock"] else found.qs.filter(available__gt=0)
        try:
            shown = _in_stock_first(rows, request) if with_rest else _one_page(rows, request)
        except NotFound:
            return redirect("shop:catalogue")
        count = rows.order_by()[: MAX_COUNTED + 1].count()
    listings = [*shown.listings, *shown.sold_out]
    context: dict[str, Any] = {
        "shown": shown,
        "quotes": {quote.listing.pk: quote for quote in quote_items([(each, 1) for each in listings])},
        "next": shown.next,
        "previous": shown.previous,
        "wanted": wanted,
        "count": count,
        "max_counted": MAX_COUNTED,
        "seller": queries.name_of_seller(wanted["seller"]),
        "narrowed": any(wanted.values()),
        "tiled": not any(wanted[name] for name in ("search", "seller")),
        "department": dict(Category.choices).get(wanted["category"]),
        "filters_in_use": sum(bool(wanted[name]) for name in FOLDED),
        "categories": Category.choices,
        "orderings": ORDERINGS,
        "currencies": settings.CURRENCIES,
        "price_problem": problem,
        "problems": found.errors,
    }
    return render_page(request, "catalogue.html", context)


@require_safe
@shows_refusals
def listing_page(request: HttpRequest, listing_id: str) -> HttpResponse:
    """Show one listing with the form that buys it."""
    listing = visible_listings(request.user.pk).filter(id=listing_id).first()
    if listing is None:
        raise ListingNotFound(gettext("This listing is no longer available."))
    text = request.GET.get("quantity", "")
    return _show(request, listing, int(text) if re.fullmatch(QUANTITY, text) else 1)


@require_POST
@login_required
@limited("buy")
@shows_refusals
def buy(request: HttpRequest, listing_id: str) -> HttpResponse:
    """Buy the listing and redirect to the orders; show it again with the reason if that is refused.

    Another quantity than the one whose total the page has shown is shown with its own first.
    """
    quantity = read_quantity(request)
    if quantity != read_quantity(request, name="shown"):
        return redirect(f"{reverse('shop:listing', args=[listing_id])}?quantity={quantity}")
    # The key was made with the form: a second click sends the same one and gets the order of the first.
    key = request.POST.get("key", "")
    purchase = Purchase(
        listing_id=int(listing_id),
        buyer_id=visitor_id(request),
        quantity=quantity,
        trace=current_trace(),
        idempotency_key=key if re.fullmatch("[0-9a-f-]{36}", key) else None,
        seen=Offer.read(request.POST.get("seen", "")),
    )
    try:
        order, _ = buy_listing(purchase)
    except Refusal as error:
        listing = visible_listings(request.user.pk).filter(id=listing_id).first()
        if listing is None:
            raise
        return _show(request, listing, quantity, error)
    return redirect(f"{reverse('shop:orders')}?new={order.id}")


@require_safe
def stock(request: HttpRequest) -> JsonResponse:
    """Return the stock left of each of `?ids=1,2,3`, at most MAX_LOOKED_AT, for pages without a live feed."""
    ids = [int(text) for text in request.GET.get("ids", "").split(",") if re.fullmatch("[0-9]{1,18}", text)]
    left = queries.stock_of(ids[:MAX_LOOKED_AT])
    return JsonResponse({"available": left}, headers={"Cache-Control": "no-store"})


def _one_page(rows: QuerySet[Listing], request: HttpRequest) -> Shown:
    pages = Screens()
    listings = pages.paginate_queryset(rows, Request(request)) or []
    return Shown(listings, [], pages.get_previous_link(), pages.get_next_link())


def _in_stock_first(rows: QuerySet[Listing], request: HttpRequest) -> Shown:
    """Return a page of what is in stock in the order asked for; the last one also begins the sold-out rest.

    As two lists, each of which an index or a search sorts: by a key that begins with the stock, PostgreSQL
    would sort all listings of the shop for each page.
    """
    gone = rows.filter(available=0)
    if request.GET.get("rest"):
        page = _one_page(gone, request)
        start = request.GET.copy()
        for name in ("rest", "cursor"):
            start.pop(name, None)
        return Shown([], page.listings, page.previous or f"?{start.urlencode()}", page.next)
    page = _one_page(rows.filter(available__gt=0), request)
    if page.next:
        return page
    rest = _one_page(gone, _first_of_rest(request))
    return Shown(page.listings, rest.listings, page.previous, rest.next)


def _first_of_rest(request: HttpRequest) -> HttpRequest:
    query = request.GET.copy()
    query.pop("cursor", None)
    query["rest"] = "1"
    first = copy(request)
    first.GET = query  # type: ignore[assignment]  # a copy can be changed
    first.META = request.META | {"QUERY_STRING": query.urlencode()}
    return first


def _wanted(request: HttpRequest) -> dict[str, str]:
    # Ordering or limiting by price compares amounts; the form then shows the currency they are compared in.
    wanted = {name: request.GET.get(name, "").strip() for name in FILTERS}
    if wanted["ordering"] == DEFAULT_ORDERING:  # the form sends it, and it narrows nothing
        wanted["ordering"] = ""
    known = wanted | {"currency": wanted["currency"] if wanted["currency"] in settings.CURRENCIES else ""}
    compared = compared_currency(known | {"max_price_cents": wanted["max_price"]})
    return known | {"currency": compared or known["currency"]}


def _max_price(wanted: dict[str, str]) -> tuple[int | str, str]:
    if not wanted["max_price"]:
        return "", ""
    try:
        return min(read_amount(wanted["max_price"], wanted["currency"]), MAX_PRICE_CENTS), ""
    except UnreadableAmount as error:
        return "", str(error)


@require_safe
@limited("quote", method="GET")
def total(request: HttpRequest, listing_id: str) -> JsonResponse:
    """Return the total of `?quantity=` as the page of the listing shows it, and the schedule it is by."""
    listing = visible_listings(request.user.pk).filter(id=listing_id).first()
    text = request.GET.get("quantity", "")
    if listing is None or not re.fullmatch(QUANTITY, text):
        return JsonResponse({"total": "", "parts": "", "fee_version": ""})
    [quote] = quote_items([(listing, int(text))])
    shown = {"total": write_total(quote), "parts": write_parts(quote)}
    return JsonResponse(shown | {"fee_version": quote.fee_version})


def _show(
    request: HttpRequest, listing: Listing, quantity: int, error: Refusal | None = None
) -> HttpResponse:
    shown = quantity if quantity <= listing.available else 1
    context: dict[str, Any] = {"listing": listing, "key": uuid4(), "shown": shown}
    if listing.status == Listing.Status.ON_SALE and listing.seller_id != request.user.pk:
        [context["quote"]] = quote_items([(listing, shown)])
        context["offer"] = write_offer(listing, context["quote"].fee_version)
    context["reason"] = str(error) if error else ""
    context["asks"] = isinstance(error, PriceChanged)
    return render_page(request, "listing.html", context, status=error.status if error else 200)
