"""Finding listings by words with PostgreSQL's full-text search."""

import re

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import BigIntegerField, F, QuerySet, Value

from listings.models import BY_PRICE, SEARCH_CONFIG, SEARCHED, Listing

MAX_WORDS = 10
PREFIX_FROM = 3  # letters: shorter beginnings match half the shop


def find_words(listings: QuerySet[Listing], text: str) -> QuerySet[Listing]:
    """Listings that have all the words in title or description; a word may be the beginning of one."""
    words = re.findall(r"\w+", text.lower())[:MAX_WORDS]
    if not words:
        return sortable(listings.none())
    query = SearchQuery(" & ".join(map(_term, words)), config=SEARCH_CONFIG, search_type="raw")
    # The very expression of the index `listing_words`, or PostgreSQL would not use it.
    vector = SearchVector(*SEARCHED, config=SEARCH_CONFIG)
    return sortable(listings.alias(words=vector).filter(words=query))


def sortable(found: QuerySet[Listing]) -> QuerySet[Listing]:
    """What pages of a search sort by: sums that no index has.

    Otherwise PostgreSQL may walk along the index of the order, hoping to find a page soon, and look at every
    listing of the shop where a word is rare.
    """
    nothing = Value(0, output_field=BigIntegerField())
    return found.annotate(found_id=F("id") + nothing, found_by_price=BY_PRICE + nothing)


def _term(word: str) -> str:
    return f"'{word}':*" if len(word) >= PREFIX_FROM else f"'{word}'"
