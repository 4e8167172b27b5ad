"""The form of a listing, for a new one and for changing one: its texts as the API's fields, and back."""

import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext

from listings.catalogue import selling
from listings.catalogue.picture_files import Picture
from listings.models import MAX_PRICE_CENTS, Category, Listing
from listings.money import UnreadableAmount, format_amount, format_plain, read_amount

NUMBER = re.compile("[0-9]{1,9}")
FIELDS = ("title", "description", "category", "price", "currency", "quantity")


def choices() -> dict[str, Any]:
    """Return what the form's template offers to choose from."""
    return {
        "categories": Category.choices,
        "currencies": settings.CURRENCIES,
        "max_images": selling.MAX_IMAGES,
    }


def read_form(request: HttpRequest) -> dict[str, str]:
    """Return the texts of the fields as they were sent."""
    return {name: request.POST.get(name, "").strip() for name in FIELDS}


def write_form(listing: Listing) -> dict[str, str]:
    """Return the texts that the form shows for a listing."""
    texts = {name: str(getattr(listing, name)) for name in FIELDS if name != "price"}
    return texts | {"price": format_plain(listing.price_cents, listing.currency)}


def as_api(given: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the API's fields, and the problem of a price that cannot be read, which is then left out."""
    fields: dict[str, Any] = {name: given[name] for name in FIELDS if name not in ("price", "quantity")}
    quantity = given["quantity"]
    fields["quantity"] = int(quantity) if NUMBER.fullmatch(quantity) else quantity
    if given["currency"] not in settings.CURRENCIES:
        return fields, {}
    try:
        return fields | {"price_cents": read_amount(given["price"], given["currency"])}, {}
    except UnreadableAmount as error:
        return fields, {"price": [str(error)]}


def as_form(errors: dict[str, Any], currency: str) -> dict[str, Any]:
    """Return the API's errors by the form's fields."""
    # The form takes a price in the currency, the API cents: the API's message would name the wrong unit.
    problems = dict(errors)
    if problems.pop("price_cents", None) and currency in settings.CURRENCIES:
        most = format_amount(MAX_PRICE_CENTS, currency)
        problems["price"] = [gettext("Write an amount above zero and up to {most}.").format(most=most)]
    return problems


def draw_pictures(request: HttpRequest) -> list[Picture]:
    """Return the pictures that were sent; raises what `selling.draw_uploads` does for the first bad one."""
    return selling.draw_uploads(request.FILES.getlist("image"))
