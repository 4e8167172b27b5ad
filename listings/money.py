"""Amounts as people write them; the shop itself knows whole minor units alone."""

from decimal import Decimal, InvalidOperation

# ISO 4217: how many digits the minor unit has, where it is not two.
DIGITS = {"JPY": 0, "KWD": 3}
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
MAX_LENGTH = 20


def written(cents: int, currency: str) -> str:
    """24900 EUR as €249.00."""
    digits = DIGITS.get(currency, 2)
    amount = f"{Decimal(cents).scaleb(-digits):,.{digits}f}"
    return f"{SIGNS[currency]}{amount}" if currency in SIGNS else f"{currency} {amount}"


def minor_units(text: str, currency: str) -> int | None:
    """`249`, `249.5` or `249,50` in minor units; None for what is no amount, or has parts of one."""
    try:
        amount = Decimal(text.strip().replace(",", ".")[:MAX_LENGTH]).scaleb(DIGITS.get(currency, 2))
        return int(amount) if amount == int(amount) and amount >= 0 else None
    except (InvalidOperation, ValueError, OverflowError):
        return None
