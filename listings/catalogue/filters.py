"""Filters, orderings and pagination of listings."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings import queries
from listings.catalogue import search
from listings.models import BY_PRICE, MAX_PRICE_CENTS, PRICE_STEP, Listing
from microstore.http.filters import IdFilter, StrictBooleanFilter, WholeNumberFilter
from microstore.http.pagination import NewestFirst

COMPARED_BY = "Amounts are compared within one currency: `currency`, or else the first that is configured."
CENTS = {"type": "integer", "minimum": 0, "maximum": MAX_PRICE_CENTS, "description": COMPARED_BY}
ORDERINGS = {"newest": "-id", "oldest": "id", "cheapest": "by_price", "dearest": "-by_price"}


def compared_currency(params: Mapping[str, Any]) -> str | None:
    """Return the currency in which a query compares prices; None where it compares none.

    Minor units of two currencies cannot be compared: 5000 is ¥5,000 and €50.00.
    """
    by_price = "by_price" in ORDERINGS.get(params.get("ordering") or "", "")
    if by_price or any(params.get(name) for name in ("min_price_cents", "max_price_cents")):
        return params.get("currency") or str(settings.CURRENCIES[0])
    return None


class ListingFilter(filters.FilterSet):
    """Query parameters of the list: category, price, seller, stock, words and ordering."""

    min_price_cents = WholeNumberFilter(method="filter_min_price", min_value=0, max_value=MAX_PRICE_CENTS)
    max_price_cents = WholeNumberFilter(method="filter_max_price", min_value=0, max_value=MAX_PRICE_CENTS)
    seller = IdFilter("seller_id")
    in_stock = StrictBooleanFilter("available", method="filter_in_stock")
    search = filters.CharFilter(
        method="filter_search",
        max_length=200,
        help_text="Words, or beginnings of words, of title and description; else similar titles.",
    )
    ordering = filters.ChoiceFilter(
        choices=[(name, name) for name in ORDERINGS],
        method="add_order",
        help_text="By default the newest first. Sold out or not does not count: "
        f"`in_stock=true` leaves out what is sold out. {COMPARED_BY}",
    )

    class Meta:
        model = Listing
        fields = ("category", "currency", "status")

    def filter_queryset(self, queryset: QuerySet[Listing]) -> QuerySet[Listing]:
        currency = compared_currency(self.data)
        found: QuerySet[Listing] = super().filter_queryset(queryset)
        return found.filter(currency=currency) if currency else found

    @extend_schema_field(CENTS)
    def filter_min_price(self, listings: QuerySet[Listing], _name: str, value: int) -> QuerySet[Listing]:
        # By the expression that the index on price has, not by price_cents, which has no index.
        return listings.annotate(by_price=BY_PRICE).filter(by_price__gte=int(value) * PRICE_STEP)

    @extend_schema_field(CENTS)
    def filter_max_price(self, listings: QuerySet[Listing], _name: str, value: int) -> QuerySet[Listing]:
        return listings.annotate(by_price=BY_PRICE).filter(by_price__lt=(int(value) + 1) * PRICE_STEP)

    def filter_in_stock(self, listings: QuerySet[Listing], _name: str, value: bool) -> QuerySet[Listing]:
        return listings.filter(available__gt=0) if value else listings.filter(available=0)

    def filter_search(self, listings: QuerySet[Listing], _name: str, value: str) -> QuerySet[Listing]:
        return search.find_words(listings, value)

    def add_order(self, listings: QuerySet[Listing], _name: str, value: str) -> QuerySet[Listing]:
        # Only annotates: the pagination sorts, and `by_price` is an expression, not a column.
        return listings.annotate(by_price=BY_PRICE) if "by_price" in ORDERINGS[value] else listings


class ListingPages(NewestFirst):
    """Cursor pagination by the requested ordering; the cursor is a position in it."""

    request: Request

    def get_ordering(self, request, queryset, view):  # type: ignore[no-untyped-def]  # untyped in DRF's stubs
        # A single field with unique values: among equal ones a cursor could skip rows between two pages.
        field = ORDERINGS.get(request.query_params.get("ordering", ""), self.ordering)
        sign, name = field[: field.startswith("-")], field.lstrip("-")
        return (f"{sign}found_{name}" if request.query_params.get("search", "").strip() else field,)

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        # What is found is sorted by its ids alone, and the rows of the page are read by these: of a word that
        # a quarter of 100,000 listings have, to sort whole rows took the database 40 ms instead of 24.
        (field,) = self.get_ordering(request, queryset, view)  # type: ignore[no-untyped-call]
        found = queryset.prefetch_related(None).values("pk", field.lstrip("-"))
        ids = [row["pk"] for row in super().paginate_queryset(found, request, view) or ()]
        listings = queries.whole_listings().in_bulk(ids)
        return [listings[each] for each in ids if each in listings]

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        response.data["currency"] = compared_currency(self.request.query_params)
        return response

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        page["properties"]["currency"] = {
            "type": "string",
            "nullable": True,
            "example": "EUR",
            "description": "The currency in which prices were compared; null where none were.",
        }
        page["required"] = [*page.get("required", []), "currency"]
        return page
