"""Amounts as people write and read them; everything else in the shop counts whole minor units."""

import re
from collections.abc import Iterable
from functools import lru_cache

from babel import Locale
from babel.numbers import format_currency, get_currency_symbol, get_decimal_symbol, get_group_symbol
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.utils.translation import get_language, gettext

from microstore.staff.money import in_major_units, minor_unit_digits

LOCALE = "en"
MAX_CHARACTERS = 40
MAX_DIGITS = 15
SPACES = re.compile(r"[\s\u00a0\u2009\u202f]+")
# Both forms are matched before anything becomes a number: 1e999997 is a short text and a huge integer.
PLAIN = re.compile(rf"(?P<whole>[0-9]{{1,{MAX_DIGITS}}})(?:(?P<point>[.,])(?P<part>[0-9]{{1,4}}))?")
GROUPED = re.compile(
    r"(?P<whole>[1-9][0-9]{0,2}(?P<group>[,. '])[0-9]{3}(?:(?P=group)[0-9]{3}){0,3})"
    r"(?:(?!(?P=group))(?P<point>[.,])(?P<part>[0-9]{1,4}))?"
)
NO_MINOR_UNIT = re.compile(r"[.,][-\u2013\u2014]$")  # 249,- is how much of Europe writes 249.00


class UnreadableAmount(ValueError):
    """The text is no amount, or could be two; the message says what to write instead."""


def validate_currency(currency: str) -> None:
    """Raise ValidationError unless listings may be sold in this currency."""
    if currency not in settings.CURRENCIES:
        raise ValidationError(
            gettext("Use one of {currencies}.").format(currencies=", ".join(settings.CURRENCIES))
        )


def ensure_known_currencies(currencies: Iterable[str]) -> None:
    """Raise ImproperlyConfigured where nobody could tell how many digits an amount has."""
    if not currencies:
        raise ImproperlyConfigured("CURRENCIES is empty: name at least one, such as EUR.")
    for code in currencies:
        try:
            minor_unit_digits(code)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"CURRENCIES has {code!r}, which is no ISO 4217 code in which something can be sold."
            ) from error


def format_amount(cents: int, currency: str) -> str:
    """Return minor units as pages show them in their language: 24900 EUR as €249.00, or as 249,00 €."""
    return format_amount_in(page_locale(), cents, currency)


def page_locale() -> str:
    """Return the language of the page that is being made, as Babel names it."""
    return get_language() or LOCALE


@lru_cache(maxsize=4096)  # a tenth of a millisecond each, two dozen on a page
def format_amount_in(locale: str, cents: int, currency: str) -> str:
    """Return minor units as a language writes them, with as many digits as the currency has."""
    digits = minor_unit_digits(currency)
    pattern = str(Locale.parse(locale).currency_formats["standard"].pattern).partition(";")[0]
    pattern = pattern.replace("0.00", "0" + "." * bool(digits) + "0" * digits)
    if get_currency_symbol(currency, locale)[-1].isalpha() and pattern.startswith("\N{CURRENCY SIGN}"):
        pattern = pattern.replace("\N{CURRENCY SIGN}", "\N{CURRENCY SIGN}\N{NO-BREAK SPACE}")  # KWD 12.345
    return format_currency(in_major_units(cents, currency), currency, pattern, locale, currency_digits=False)


def format_plain(cents: int, currency: str) -> str:
    """Return minor units as a number that `read_amount` reads without a doubt: 24900 EUR as 249."""
    whole, _, part = f"{in_major_units(cents, currency):f}".partition(".")
    part = part.rstrip("0") if len(part) == len("000") else part
    return f"{whole}{get_decimal_symbol(page_locale())}{part}" if part.strip("0") else whole


def read_amount(text: str, currency: str) -> int:
    """Return the minor units that a person wrote; raise UnreadableAmount where that takes a guess.

    `249`, `249.5`, `249,50`, `1 000`, `1,250.00`, `1.250,00`, `€249` and `249 EUR` are read. On an English
    page a comma before three digits groups thousands, as the page itself writes them, unless the currency has
    three digits; a point there is thousands in one half of the world and decimals in the other. On a German
    page it is the other way round. No thousands begin with a zero: `0,500` is a half.
    """
    number = _without_currency(text, currency)
    plain, grouped = PLAIN.fullmatch(number), GROUPED.fullmatch(number)
    digits = minor_unit_digits(currency)
    thousands = _scaled(grouped, digits) if grouped else None
    decimal = _scaled(plain, digits) if plain else None
    if plain and grouped and not _is_clear(plain["point"], digits):
        raise _ambiguous(text, currency, thousands, decimal)
    if plain and grouped:
        cents = thousands if plain["point"] == get_group_symbol(page_locale()) else decimal
    else:
        cents = thousands if grouped else decimal
    if cents is None:
        raise _unreadable(currency)
    return cents


def _is_clear(point: str, digits: int) -> bool:
    # As the page itself writes: in English the comma groups thousands, in German the point does.
    groups = point == get_group_symbol(page_locale())
    return digits < len("000") if groups else digits >= len("000")


def _scaled(match: re.Match[str], digits: int) -> int | None:
    places = len(match["part"] or "")
    if places == len("000") != digits and (
        "group" in match.groupdict() or re.match("0[0-9]", match["whole"])
    ):
        return None  # 1,000.000: nobody writes cents so; 012,500 is neither thousands nor a number
    if places > max(digits, len("000")):
        return None  # 1,0000 has a digit too many for either
    whole, part = re.sub("[^0-9]", "", match["whole"]), (match["part"] or "").rstrip("0")
    return int(whole + part.ljust(digits, "0")) if len(part) <= digits else None


def _without_currency(text: str, currency: str) -> str:
    if len(text) > MAX_CHARACTERS:
        raise _unreadable(currency)
    number = SPACES.sub(" ", text.replace("\u2019", "'")).strip()
    symbol = SPACES.sub(" ", get_currency_symbol(currency, page_locale()))
    signs = "|".join(map(re.escape, sorted({currency, symbol, symbol[-1:]}, key=len, reverse=True)))
    number = re.sub(rf"^(?:{signs}) ?|(?<=[0-9-]) ?(?:{signs})$", "", number, count=1, flags=re.IGNORECASE)
    return NO_MINOR_UNIT.sub("", number)


def _ambiguous(text: str, currency: str, thousands: int | None, decimal: int | None) -> UnreadableAmount:
    readings = [cents for cents in (thousands, decimal) if cents is not None]
    shown = gettext(" or ").join(format_amount(cents, currency) for cents in readings)
    clear = gettext(" or ").join(format_plain(cents, currency) for cents in readings)
    sentence = gettext("“{text}” could mean {readings}. Write {clear}.")
    return UnreadableAmount(sentence.format(text=text.strip(), readings=shown, clear=clear))


def _unreadable(currency: str) -> UnreadableAmount:
    return UnreadableAmount(gettext("Write an amount, such as {example}.").format(example=_example(currency)))


def _example(currency: str) -> str:
    digits = minor_unit_digits(currency)
    point = get_decimal_symbol(page_locale())
    return f"249{gettext(' or ')}249{point}{'5'.ljust(digits, '0')}" if digits else "249"
