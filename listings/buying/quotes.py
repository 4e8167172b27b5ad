"""Quotes: the total with its fee, from the fee function that sets it when the order is recorded.

Whoever asks waits for QUOTE_TIMEOUT_SECONDS at most, and nobody while the function fails: then the fee is
unknown, and is added all the same (decision 0200).
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext, gettext_noop

from listings import metrics
from listings.models import Listing
from microstore.fee_function import calls
from microstore.fee_function.quotes import AnyQuote, FeeRequest, Quote, WrongAnswer, read_quotes
from microstore.http.calls import CallFailed
from microstore.http.circuit_breaker import CircuitBreaker, CircuitOpen

# A new schedule is quoted after this time in all processes; until then orders go by the one before.
CACHED_SECONDS = 30
UNKNOWN = gettext_noop("A fee is added. It cannot be shown right now; your order will show it.")

log = structlog.get_logger(__name__)
breaker = CircuitBreaker()


class FeesUnknown(Exception):
    """The fee function gives no usable answer now."""


class ItemQuote(NamedTuple):
    """A quantity of a listing, and its fee; None where that is unknown, for a reason."""

    listing: Listing
    quantity: int
    fee: Quote | None
    reason: str = ""

    @property
    def price_cents(self) -> int:
        """The price of the whole quantity, without the fee."""
        return self.listing.price_cents * self.quantity

    @property
    def fee_cents(self) -> int | None:
        """The fee in the listing's currency; None where it is unknown."""
        return self.fee.fee_cents if self.fee else None

    @property
    def total_cents(self) -> int | None:
        """Price and fee; None where the fee is unknown."""
        return self.fee.total_cents if self.fee else None

    @property
    def fee_version(self) -> str:
        """The schedule that an order names to be charged this fee; empty where it is unknown."""
        return self.fee.version if self.fee else ""


class Total(NamedTuple):
    """The sum of quotes in one currency; None for fee and total where one of them is unknown."""

    currency: str
    price_cents: int
    fee_cents: int | None
    total_cents: int | None


def quote_items(items: Sequence[tuple[Listing, int]]) -> list[ItemQuote]:
    """Return a quote for each listing and quantity, by at most one call of the fee function."""
    requests = {_key(listing, quantity): _request(listing, quantity) for listing, quantity in items}
    known: dict[str, AnyQuote] = cache.get_many(requests)
    missing = {key: request for key, request in requests.items() if key not in known}
    if missing:
        try:
            fetched = _fetch(missing)
        except FeesUnknown as error:
            log.warning("quotes_unavailable", error=str(error))
        else:
            cache.set_many(fetched, CACHED_SECONDS)
            known |= fetched
    return [_quote(listing, quantity, known.get(_key(listing, quantity))) for listing, quantity in items]


def add_up(quotes: Sequence[ItemQuote]) -> list[Total]:
    """Return the totals of the quotes, one a currency."""
    totals: dict[str, Total] = {}
    for quote in quotes:
        so_far = totals.get(quote.listing.currency, Total(quote.listing.currency, 0, 0, 0))
        totals[so_far.currency] = Total(
            so_far.currency,
            so_far.price_cents + quote.price_cents,
            _add(so_far.fee_cents, quote.fee_cents),
            _add(so_far.total_cents, quote.total_cents),
        )
    return [totals[currency] for currency in sorted(totals)]


def _add(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _key(listing: Listing, quantity: int) -> str:
    return f"quote:{listing.currency}:{listing.price_cents}:{quantity}:{listing.category}"


def _request(listing: Listing, quantity: int) -> FeeRequest:
    # The id tells the answers of one call apart, and is no order's.
    number = UUID(int=listing.pk)
    return FeeRequest(number, listing.price_cents, listing.currency, quantity, listing.category or None)


def _quote(listing: Listing, quantity: int, answer: AnyQuote | None) -> ItemQuote:
    if isinstance(answer, Quote):
        return ItemQuote(listing, quantity, answer)
    return ItemQuote(listing, quantity, None, answer.error if answer else gettext(UNKNOWN))


def _fetch(requests: Mapping[str, FeeRequest]) -> dict[str, AnyQuote]:
    try:
        with breaker.guard(FeesUnknown):
            quotes = _call(list(requests.values()))
    except CircuitOpen:
        metrics.QUOTES.labels("spared").inc()
        raise FeesUnknown("The fee function failed recently; its circuit is open.") from None
    except FeesUnknown:
        metrics.QUOTES.labels("failed").inc()
        raise
    metrics.QUOTES.labels("answered").inc()
    return {key: quotes[request.order_id] for key, request in requests.items()}


def _call(requests: Sequence[FeeRequest]) -> dict[UUID, AnyQuote]:
    limit = settings.QUOTE_TIMEOUT_SECONDS
    try:
        response, content = calls.post(requests, timeout_seconds=(limit, limit))
        if response.status_code != HTTPStatus.OK:
            raise FeesUnknown(f"The fee function answered {response.status_code}.")
        return read_quotes(content, requests)
    except (CallFailed, WrongAnswer) as error:
        raise FeesUnknown(str(error)) from error
