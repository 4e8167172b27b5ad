"""What listings can be narrowed down by, and in which order they come."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field

from listings.catalogue import search
from listings.models import BY_PRICE, MAX_PRICE_CENTS, PRICE_STEP, Listing
from microstore.http.filters import IdFilter, StrictBooleanFilter
from microstore.http.pagination import NewestFirst

CENTS = {"type": "integer", "minimum": 0, "maximum": MAX_PRICE_CENTS}
ORDERINGS = {"newest": "-id", "oldest": "id", "cheapest": "by_price", "dearest": "-by_price"}


class ListingFilter(filters.FilterSet):
    """Category, price, seller, stock, words and order."""

    min_price_cents = filters.NumberFilter(
        method="filter_min_price", min_value=0, max_value=MAX_PRICE_CENTS, decimal_places=0
    )
    max_price_cents = filters.NumberFilter(
        method="filter_max_price", min_value=0, max_value=MAX_PRICE_CENTS, decimal_places=0
    )
    seller = IdFilter("seller_id")
    in_stock = StrictBooleanFilter("available", method="filter_in_stock")
    search = filters.CharFilter(
        method="filter_search",
        max_length=200,
        help_text="Words, or beginnings of words, of title and description.",
    )
    ordering = filters.ChoiceFilter(
        choices=[(name, name) for name in ORDERINGS],
        method="add_order",
        help_text="By default the newest first.",
    )

    class Meta:
        model = Listing
        fields = ("category", "currency", "status")

    @extend_schema_field(CENTS)
    def filter_min_price(self, listings: QuerySet[Listing], _name: str, value: int) -> QuerySet[Listing]:
        """What costs as much or more, by the index that the order goes by."""
        return listings.annotate(by_price=BY_PRICE).filter(by_price__gte=int(value) * PRICE_STEP)

    @extend_schema_field(CENTS)
    def filter_max_price(self, listings: QuerySet[Listing], _name: str, value: int) -> QuerySet[Listing]:
        """What costs as much or less."""
        return listings.annotate(by_price=BY_PRICE).filter(by_price__lt=(int(value) + 1) * PRICE_STEP)

    def filter_in_stock(self, listings: QuerySet[Listing], _name: str, value: bool) -> QuerySet[Listing]:
        """What can still be bought, or what is sold out."""
        return listings.filter(available__gt=0) if value else listings.filter(available=0)

    def filter_search(self, listings: QuerySet[Listing], _name: str, value: str) -> QuerySet[Listing]:
        """What has these words."""
        return search.find_words(listings, value)

    def add_order(self, listings: QuerySet[Listing], _name: str, value: str) -> QuerySet[Listing]:
        """What the pages sort by, where it is no column."""
        return listings.annotate(by_price=BY_PRICE) if "by_price" in ORDERINGS[value] else listings


class ListingPages(NewestFirst):
    """Pages in the order that was asked for; the cursor is a position in that order."""

    def get_ordering(self, request, queryset, view):  # type: ignore[no-untyped-def]  # untyped in DRF's stubs
        """One field without equals, so that no row is left out between two pages."""
        field = ORDERINGS.get(request.query_params.get("ordering", ""), self.ordering)
        sign, name = field[: field.startswith("-")], field.lstrip("-")
        return (f"{sign}found_{name}" if request.query_params.get("search") else field,)
