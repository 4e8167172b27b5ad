"""Search of listings by words; sql/search_words.sql splits their text and the query by the same rules."""

from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BigIntegerField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.expressions import RawSQL

from listings.models import BY_PRICE, LISTING_WORDS, Listing

MAX_CHARACTERS = 200


class WantedWords(SearchQuery):
    """A tsquery made by a function of ours; PostgreSQL's query parser never reads what a person typed."""

    def __init__(self, text: str, function: str) -> None:
        super().__init__(Value(text))
        self.made_by = function

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        [value] = self.get_source_expressions()
        return f"{self.made_by}(%s)", [value.value]


def find_words(listings: QuerySet[Listing], text: str) -> QuerySet[Listing]:
    """Return listings with all words of `text`, or with words that begin so, in title or description.

    Where there are none, those with words of which two letters are exchanged, and where there are none of
    these, those whose titles are similar: a slip in typing finds what was meant.
    """
    wanted = text.replace("\0", "")[:MAX_CHARACTERS]
    for function in ("search_query", "swapped_query"):
        found = having_words(listings, wanted, function)
        if _has_rows(found):
            return sortable(found)
    return sortable(listings.filter(id__in=RawSQL("SELECT similar_listings(%s)", [wanted])))


def having_words(listings: QuerySet[Listing], text: str, function: str = "search_query") -> QuerySet[Listing]:
    """Return listings with all words of `text`, which has neither a NUL nor more than MAX_CHARACTERS."""
    # Exactly the expression of the index `listing_search`: PostgreSQL would not use it for another one.
    return listings.alias(words=LISTING_WORDS).filter(words=WantedWords(text, function))


def _has_rows(found: QuerySet[Listing]) -> bool:
    try:
        sql, params = found.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_rows(%s)", [cursor.mogrify(sql, params).decode()])
        return bool(cursor.fetchone()[0])


def sortable(found: QuerySet[Listing]) -> QuerySet[Listing]:
    """Annotate `found_id` and `found_by_price`, sort keys that no index covers.

    With an indexed key PostgreSQL may scan the index of the ordering until a page is full, which reads every
    listing of the shop where a word is rare.
    """
    # Wrapped: Django takes the sum of two big integers for an integer, and a cursor beyond 2^31 for no bound.
    nothing, big = Value(0), BigIntegerField()
    return found.annotate(
        found_id=ExpressionWrapper(F("id") + nothing, output_field=big),
        found_by_price=ExpressionWrapper(BY_PRICE + nothing, output_field=big),
    )
