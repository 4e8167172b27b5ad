"""The order as the fee function knows it: valid, or refused with the reason."""

import re
from dataclasses import dataclass

PRICE_CENTS_LIMIT = 10**12
QUANTITY_LIMIT = 10**6
CATEGORY_LENGTH_LIMIT = 50
SELLER_TIER_LENGTH_LIMIT = 20
VERSION_LENGTH_LIMIT = 32


class InvalidOrder(ValueError):
    """The order cannot be priced as it stands; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A unit price in the currency's minor units, times a quantity; an invalid one raises InvalidOrder."""

    price_cents: int
    currency: str
    quantity: int = 1
    category: str | None = None
    seller_tier: str | None = None
    version: str | None = None  # of the schedule by which it was quoted; None: of the present one

    def __post_init__(self) -> None:
        _check_whole_number("price_cents", self.price_cents, limit=PRICE_CENTS_LIMIT)
        _check_whole_number("quantity", self.quantity, limit=QUANTITY_LIMIT)
        _check_currency(self.currency)
        _check_text("category", self.category, limit=CATEGORY_LENGTH_LIMIT)
        _check_text("seller_tier", self.seller_tier, limit=SELLER_TIER_LENGTH_LIMIT)
        _check_text("version", self.version, limit=VERSION_LENGTH_LIMIT)


def _check_whole_number(field: str, value: object, *, limit: int) -> None:
    # `type() is`, because a bool is an int to isinstance and True is not a price.
    if type(value) is not int or not 1 <= value <= limit:
        raise InvalidOrder(f"{field} must be a whole number from 1 to {limit}")


def _check_currency(value: object) -> None:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{3}", value):
        raise InvalidOrder("currency must be three upper-case letters, such as EUR")


def _check_text(field: str, value: object, *, limit: int) -> None:
    if value is not None and not (isinstance(value, str) and len(value) <= limit):
        raise InvalidOrder(f"{field} must be text of at most {limit} characters")
