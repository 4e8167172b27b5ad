"""The offer that a buyer has seen: a purchase is made at it, or at a lower price, or not at all."""

import re
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext

from listings.models import Listing
from listings.money import format_amount
from listings.refusals import EditionOutdated, PriceChanged
from microstore.contracts.transactions import FEE_VERSION

WRITTEN = re.compile(rf"([0-9]{{1,12}})-([A-Z]{{3}})-([0-9]{{1,9}})(?:-({FEE_VERSION}))?")


class Offer(NamedTuple):
    """Price in the currency's minor unit, currency, and editions of the listing; None is not compared.

    `fee_version` is the schedule by which the fee was quoted; None where none was.
    """

    price_cents: int | None = None
    currency: str | None = None
    editions: frozenset[int] | None = None
    fee_version: str | None = None

    @classmethod
    def read(cls, text: str) -> "Offer":
        """Return the offer that `write_offer` wrote into a page; any other text, also "", matches none."""
        written = WRITTEN.fullmatch(text)
        if written is None:
            return cls(editions=frozenset())
        return cls(int(written[1]), written[2], frozenset([int(written[3])]), written[4])

    def hashed_fields(self) -> list[object]:
        """Return the fields that the hash of a request with this offer covers: all but the editions."""
        return [self.price_cents, self.currency, *([self.fee_version] if self.fee_version else [])]


NOTHING_SEEN = Offer()


def write_offer(listing: Listing, fee_version: str = "") -> str:
    """Return the listing's present offer, and the quoted schedule, as a page's form holds them."""
    offer = f"{listing.price_cents}-{listing.currency}-{listing.edition}"
    return f"{offer}-{fee_version}" if fee_version else offer


def ensure_as_seen(listing: Listing, seen: Offer) -> None:
    """Refuse a higher price, another currency or another edition; raises PriceChanged or EditionOutdated."""
    costs_more = seen.price_cents is not None and listing.price_cents > seen.price_cents
    if costs_more or (seen.currency is not None and listing.currency != seen.currency):
        offer = {
            "price_cents": listing.price_cents,
            "currency": listing.currency,
            "etag": f'"{listing.edition}"',
        }
        raise PriceChanged(
            gettext(
                "The seller has changed the price: it was {seen} when you looked, and is {now} now."
            ).format(
                seen=_words(seen, listing.currency), now=format_amount(listing.price_cents, listing.currency)
            ),
            offer=offer,
        )
    if seen.editions is not None and listing.edition not in seen.editions:
        raise EditionOutdated(
            gettext("The seller has changed this listing; look at it again before you buy it.")
        )


def _words(seen: Offer, present_currency: str) -> str:
    currency = seen.currency or present_currency
    # A request may name any three letters; nothing is sold in another currency than the configured ones.
    if seen.price_cents is None or currency not in settings.CURRENCIES:
        return gettext("in {currency}").format(currency=currency)
    return format_amount(seen.price_cents, currency)
