"""A checkout: several purchases of one buyer at once, all of them or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from uuid_utils.compat import uuid7

from listings.buying.offer import Offer
from listings.buying.place import Placed, Purchase, place_orders
from listings.buying.purchase import place_once
from listings.refusals import AccountGone, CheckoutRefused
from microstore.http.idempotency import hash_request
from microstore.refusal import Refusal

log = structlog.get_logger(__name__)


class Item(NamedTuple):
    """A listing, a quantity, and the offer that the buyer has seen."""

    listing_id: int
    quantity: int
    seen: Offer | None = None


@dataclass(frozen=True)
class Checkout:
    """Several listings for one buyer, none of them twice, as a valid request asks for them."""

    items: Sequence[Item]
    buyer_id: int
    trace: str
    idempotency_key: str | None = None

    @property
    def request_hash(self) -> str:
        """Equal for two checkouts of the same; never that of a purchase."""
        items = [(item.listing_id, item.quantity, *_hashed_fields(item.seen)) for item in self.items]
        return hash_request({"checkout": items})

    def as_purchases(self) -> list[Purchase]:
        """Return a purchase for each item; the first bears the idempotency key."""
        checkout_id = uuid7()
        return [
            Purchase(
                item.listing_id,
                self.buyer_id,
                item.quantity,
                self.trace,
                idempotency_key=None if number else self.idempotency_key,
                seen=item.seen,
                checkout_id=checkout_id,
                checkout_hash="" if number else self.request_hash,
            )
            for number, item in enumerate(self.items)
        ]


def _hashed_fields(seen: Offer | None) -> Sequence[object]:
    # A page's offer has the edition, too, and is not compared: a cart is bought once, by whichever click
    # arrives, though its page may show another price by the second.
    return seen.hashed_fields() if seen and seen.editions is None else ()


def check_out(checkout: Checkout) -> tuple[Sequence[Placed], bool]:
    """Return the orders of the checkout in the order of its items, and whether they were there before.

    Raises KeyReused, AccountGone or CheckoutRefused, and then nothing has changed.
    """
    orders, replayed = place_once(checkout, lambda: _place(checkout))
    if not replayed:
        log.info("checkout_accepted", checkout_id=str(orders[0].checkout_id), orders=len(orders))
    return orders, replayed


def _place(checkout: Checkout) -> list[Placed]:
    outcomes = place_orders(checkout.as_purchases(), all_or_none=True)
    refused = {
        index: (checkout.items[index].listing_id, outcome)
        for index, outcome in enumerate(outcomes)
        if isinstance(outcome, Refusal)
    }
    for _, refusal in refused.values():
        if isinstance(refusal, AccountGone):  # the same for each item: it is the buyer's
            raise refusal
    if refused:
        raise CheckoutRefused(refused, of=len(outcomes))
    orders = [outcome for outcome in outcomes if isinstance(outcome, Placed)]
    return orders if len(orders) == len(outcomes) else []
