"""Finding listings by words; how a text becomes words is in sql/search_words.sql, for both sides alike."""

from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import BigIntegerField, F, QuerySet, Value

from listings.models import BY_PRICE, LISTING_WORDS, Listing

MAX_CHARACTERS = 200


class WantedWords(SearchQuery):
    """The words of a person as a tsquery of ours, which PostgreSQL's own parser never sees."""

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        [value] = self.get_source_expressions()
        return "search_query(%s)", [value.value]


def find_words(listings: QuerySet[Listing], text: str) -> QuerySet[Listing]:
    """Return listings that have all the words in title or description; a word may be the beginning of one."""
    wanted = text.replace("\0", "")[:MAX_CHARACTERS]
    # The very expression of the index `listing_search`, or PostgreSQL would not use it.
    return sortable(listings.alias(words=LISTING_WORDS).filter(words=WantedWords(Value(wanted))))


def sortable(found: QuerySet[Listing]) -> QuerySet[Listing]:
    """Return the listings with sums to sort by that no index has.

    Otherwise PostgreSQL may walk along the index of the order, hoping to find a page soon, and look at every
    listing of the shop where a word is rare.
    """
    nothing = Value(0, output_field=BigIntegerField())
    return found.annotate(found_id=F("id") + nothing, found_by_price=BY_PRICE + nothing)
