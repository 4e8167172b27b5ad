"""Pages of a seller's own listings: finding one of many, changing it, its pictures, taking it off sale."""

import re
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from listings.catalogue import selling
from listings.catalogue.filters import ListingFilter, ListingPages
from listings.catalogue.serializers import EditListingSerializer
from listings.models import Listing
from listings.pages import queries
from listings.pages.limits import limited
from listings.pages.listing_form import as_api, as_form, choices, draw_pictures, read_form, write_form
from listings.pages.page import redirect_into, redirect_to_published, render_page, shows_refusals, visitor_id
from listings.refusals import AlreadyOrdered, EditionOutdated
from microstore.refusal import Refusal

MAX_QUERY = 1_000  # characters: those of a search and of the cursor of a page


class Screens(ListingPages):
    page_size = 24


@require_safe
@login_required
@limited("search", method="GET")
def own_listings(request: HttpRequest) -> HttpResponse:
    """Show all listings of the visitor, in pages, narrowed by words and by status."""
    wanted = {name: request.GET.get(name, "").strip() for name in ("search", "status", "in_stock")}
    found = ListingFilter(wanted, queries.listings_of(visitor_id(request)))
    pages = Screens()
    try:
        listings = pages.paginate_queryset(found.qs, Request(request)) if found.is_valid() else []
    except NotFound:
        return redirect("shop:own-listings")
    context: dict[str, Any] = {
        "listings": listings,
        "next": listings and pages.get_next_link(),
        "previous": listings and pages.get_previous_link(),
        "own": wanted,
        "narrowed": any(wanted.values()),
        "statuses": Listing.Status.choices,
    }
    return render_page(request, "own_listings.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@shows_refusals
def edit(request: HttpRequest, listing_id: str) -> HttpResponse:
    """Show the form of a listing; a POST changes it, or shows the form again with its problems."""
    listing = selling.own_listing(int(listing_id), seller_id=visitor_id(request))
    if request.method != "POST":
        return _form(request, listing, write_form(listing))
    given = read_form(request)
    fields, problems = as_api(given)
    changes = EditListingSerializer(listing, data=fields, partial=True)
    if not changes.is_valid() or problems:
        problems = as_form(changes.errors, given["currency"]) | problems
        return _form(request, listing, given, problems=problems)
    try:
        selling.edit_listing(listing, changes.validated_data, editions=_edition(request))
    except AlreadyOrdered as error:
        return _form(request, listing, given, problems={"quantity": [str(error)]})
    except Refusal as error:
        # The form is shown with the present edition: sent again, it replaces what was changed meanwhile.
        listing = selling.own_listing(listing.pk, seller_id=visitor_id(request))
        outdated = isinstance(error, EditionOutdated)
        return _form(request, listing, given, reason=str(error), outdated=outdated)
    return redirect_to_published(listing.pk)


@require_POST
@login_required
@limited("images")
@shows_refusals
def add_picture(request: HttpRequest, listing_id: str) -> HttpResponse:
    """Add the pictures that were sent, and show the form again; with the reason where one is refused."""
    listing = selling.own_listing(int(listing_id), seller_id=visitor_id(request))
    try:
        for picture in draw_pictures(request):
            selling.add_image(listing, picture)
    except Refusal as error:
        return _form(request, listing, write_form(listing), problems={"image": [str(error)]})
    return redirect_into("pictures", "edit", listing.pk)


@require_POST
@login_required
@shows_refusals
def remove_picture(request: HttpRequest, listing_id: str, image_id: str) -> HttpResponse:
    """Remove a picture of the listing, and show the form again."""
    listing = selling.own_listing(int(listing_id), seller_id=visitor_id(request))
    selling.remove_image(listing, int(image_id))
    return redirect_into("pictures", "edit", listing.pk)


@require_POST
@login_required
@shows_refusals
def move_picture(request: HttpRequest, listing_id: str, image_id: str, way: str) -> HttpResponse:
    """Show a picture of the listing one place earlier or later."""
    listing = selling.own_listing(int(listing_id), seller_id=visitor_id(request))
    ids = [image.pk for image in listing.images.all()]
    if int(image_id) in ids:
        old = ids.index(int(image_id))
        ids.insert(max(0, old + (1 if way == "later" else -1)), ids.pop(old))
        selling.order_images(listing, ids)
    return redirect_into(f"picture-{image_id}", "edit", listing.pk)


@require_POST
@login_required
@shows_refusals
def set_sale(request: HttpRequest, listing_id: str, action: str) -> HttpResponse:
    """Withdraw the listing or publish it again, as `action` names."""
    change = {"withdraw": selling.withdraw_listing, "publish": selling.publish_listing}[action]
    change(selling.own_listing(int(listing_id), seller_id=visitor_id(request)), editions=None)
    if request.POST.get("next") != "own-listings":
        return redirect_into(f"listing-{listing_id}", "sales")
    # Parsed and written again, so that it is a query string whatever was sent.
    query = QueryDict(request.POST.get("query", "")[:MAX_QUERY]).urlencode()
    return redirect_into(f"listing-{listing_id}", "own-listings", query=query)


def _edition(request: HttpRequest) -> selling.Editions:
    # That of the form, so that a change made elsewhere meanwhile is not undone unseen.
    text = request.POST.get("edition", "")
    return frozenset({int(text)}) if re.fullmatch("[0-9]{1,9}", text) else frozenset()


def _form(request: HttpRequest, listing: Listing, given: dict[str, str], **context: object) -> HttpResponse:
    shown = choices() | {"given": given, "listing": listing} | context
    return render_page(request, "edit.html", shown, status=400 if context else 200)
