"""Amounts as staff read them: rows count minor units, of which a currency has 1, 100 or 1,000 in its unit."""

from decimal import Decimal
from functools import cache

TEST_CODE = "XTS"  # ISO 4217's code for tests has no minor unit of its own


@cache
def minor_unit_digits(currency: str) -> int:
    """Return how many digits the currency's minor unit has (ISO 4217); raise ValueError for an unknown code.

    Babel's own figure is the one of CLDR, which is about cash: it rounds forints and dinars to whole ones.
    """
    from iso4217 import Currency  # noqa: PLC0415  # it reads its table for 34 ms, also where nobody asks

    digits = 2 if currency == TEST_CODE else Currency(currency).exponent
    if digits is None:
        raise ValueError(f"{currency} has no minor unit.")
    return digits


def in_major_units(cents: int, currency: str) -> Decimal:
    """Return the amount in the currency's unit: 24900 EUR as 249.00, 5900 JPY as 5900."""
    return Decimal(cents).scaleb(-minor_unit_digits(currency))


def show_amount(cents: int | None, currency: str) -> str:
    """Return minor units with their currency: 24900 EUR as 249.00 EUR; a dash for None."""
    return "-" if cents is None else f"{in_major_units(cents, currency):,f} {currency}"
