"""Search of listings by words; sql/search_words.sql splits their text and the query by the same rules."""

from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import BigIntegerField, F, QuerySet, Value
from django.db.models.expressions import RawSQL

from listings.models import BY_PRICE, LISTING_WORDS, Listing

MAX_CHARACTERS = 200


class WantedWords(SearchQuery):
    """A tsquery made by our `search_query()`; PostgreSQL's query parser never reads what a person typed."""

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        [value] = self.get_source_expressions()
        return "search_query(%s)", [value.value]


def find_words(listings: QuerySet[Listing], text: str) -> QuerySet[Listing]:
    """Return listings with all the words of `text` in title or description; each also matches as a prefix.

    Where there are none, those whose titles are similar: a slip in typing finds what was meant.
    """
    wanted = text.replace("\0", "")[:MAX_CHARACTERS]
    # Exactly the expression of the index `listing_search`: PostgreSQL would not use it for another one.
    exact = listings.alias(words=LISTING_WORDS).filter(words=WantedWords(Value(wanted)))
    similar = RawSQL("SELECT similar_listings(%s)", [wanted])
    return sortable(exact if _is_listed(wanted) else listings.filter(id__in=similar))


def _is_listed(wanted: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT is_listed(%s)", [wanted])
        return bool(cursor.fetchone()[0])


def sortable(found: QuerySet[Listing]) -> QuerySet[Listing]:
    """Annotate `found_id` and `found_by_price`, sort keys that no index covers.

    With an indexed key PostgreSQL may scan the index of the ordering until a page is full, which reads every
    listing of the shop where a word is rare.
    """
    nothing = Value(0, output_field=BigIntegerField())
    return found.annotate(found_id=F("id") + nothing, found_by_price=BY_PRICE + nothing)
