"""Amounts mean what people write: in the form of a seller, in a filter, in a page and in a mail."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as st
from iso4217 import Currency

from listings.models import MAX_PRICE_CENTS, Listing
from listings.money import (
    UnreadableAmount,
    ensure_known_currencies,
    format_amount,
    read_amount,
)
from microstore.staff.money import minor_unit_digits
from tests.support.pages import address, text

LAMP = {"title": "Reading lamp", "currency": "EUR", "quantity": "2", "category": "furniture"}
SELLABLE = sorted(each.code for each in Currency if each.exponent is not None)


@pytest.mark.parametrize(
    ("currency", "written", "cents"),
    [
        ("EUR", "249", 24_900),
        ("EUR", "249.5", 24_950),
        ("EUR", "249,50", 24_950),
        ("EUR", "1,000", 100_000),
        ("EUR", "1 000", 100_000),
        ("EUR", "1\u202f000,50", 100_050),
        ("EUR", "1'000.00", 100_000),
        ("EUR", "1\u2019000.00", 100_000),
        ("EUR", "1,250.00", 125_000),
        ("EUR", "1.250,00", 125_000),
        ("EUR", "1.250.000", 125_000_000),
        ("EUR", "€249", 24_900),
        ("EUR", "€ 1,250.00", 125_000),
        ("EUR", "249 €", 24_900),
        ("EUR", "249,-", 24_900),
        ("EUR", "eur 249", 24_900),
        ("JPY", "1,000", 1_000),
        ("JPY", "¥1,000", 1_000),
        ("JPY", "1.000.000", 1_000_000),
        ("EUR", "0,500", 50),
        ("KWD", "0,125", 125),
        ("KWD", "12.5", 12_500),
        ("KWD", "12.500", 12_500),
        ("KWD", "1,250.500", 1_250_500),
        ("AUD", "A$5", 500),
        ("AUD", "$5", 500),
    ],
)
def test_an_amount_is_read_as_it_was_meant(currency: str, written: str, cents: int) -> None:
    assert read_amount(written, currency) == cents


@pytest.mark.parametrize(
    ("currency", "written", "readings"),
    [
        ("EUR", "1.000", ("€1,000.00", "€1.00", "Write 1000 or 1.")),
        ("EUR", "12.500", ("€12,500.00", "€12.50", "Write 12500 or 12.50.")),
        ("JPY", "1.000", ("¥1,000", "¥1.", "Write 1000 or 1.")),
        ("KWD", "1,250", ("1,250.000", "1.250", "Write 1250 or 1.25.")),
    ],
)
def test_an_amount_with_two_meanings_is_refused_with_both(
    currency: str, written: str, readings: tuple[str, ...]
) -> None:
    with pytest.raises(UnreadableAmount) as refused:
        read_amount(written, currency)
    assert all(reading in str(refused.value) for reading in readings)
    for clear in str(refused.value).rpartition("Write ")[2].rstrip(".").split(" or "):
        read_amount(clear, currency)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "cheap",
            "NaN",
            "Infinity",
            "-1",
            "+1",
            "1e5",
            "1e999997",
            "1_000",
            "0x10",
            "٢٤٩",
            "$249",
            "¥1",
        ),
        *(
            "12,5.0",
            "1,0000.00",
            "1,000.000",
            "1. 000",
            "2490.505",
            "0,125",
            "012,500",
            "1,0000",
            "0,500,000",
            "249 EUR EUR",
            "1" * 16,
            "9" * 5_000,
            "\0",
        ),
    ],
)
def test_what_is_no_amount_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(UnreadableAmount, match=r"such as 249 or 249\.50\."):
        read_amount(written, "EUR")


@given(cents=st.integers(0, MAX_PRICE_CENTS), currency=st.sampled_from(SELLABLE))
def test_an_amount_as_the_shop_writes_it_is_read_back(cents: int, currency: str) -> None:
    assert read_amount(format_amount(cents, currency), currency) == cents


@given(st.text(alphabet="0123456789., '\u2019-€$EUR\u00a0", max_size=12))
def test_any_text_is_an_amount_or_unreadable(written: str) -> None:
    for currency in ("EUR", "JPY", "KWD"):
        with suppress(UnreadableAmount):
            assert 0 <= read_amount(written, currency) < 10**19


SEPARATED = st.tuples(
    st.text("0123456789", min_size=1, max_size=6),
    st.sampled_from(".,"),
    st.text("0123456789", min_size=1, max_size=5),
)


@given(
    number=SEPARATED,
    currency=st.sampled_from(("JPY", "EUR", "KWD", "CLF")),
    language=st.sampled_from(("en", "de")),
)
@example(("0", ",", "500"), "EUR", "en")
@example(("012", ",", "500"), "EUR", "en")
@example(("0", ".", "500"), "EUR", "de")
@example(("1", ",", "0000"), "JPY", "en")
def test_one_separator_is_read_in_the_one_way_that_is_plausible_or_not_at_all(
    number: tuple[str, str, str], currency: str, language: str
) -> None:
    (whole, point, part), digits = number, minor_unit_digits(currency)
    is_group = point == {"en": ",", "de": "."}[language]
    can_be_thousands = len(part) == 3 and len(whole) <= 3 and whole[0] != "0"
    can_be_decimal = len(part) <= max(digits, 3) and not (
        whole[0] == "0" != whole and len(part) == 3 != digits
    )
    with translation.override(language), suppress(UnreadableAmount):
        read = Decimal(read_amount("".join(number), currency)).scaleb(-digits)
        if read == int(whole + part) != 0:
            assert can_be_thousands
            assert is_group
            assert digits < 3
        else:
            assert read == Decimal(f"{whole}.{part}")
            assert can_be_decimal
            assert not can_be_thousands or (digits >= 3 and not is_group)


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("EUR", 2), ("JPY", 0), ("KWD", 3), ("HUF", 2), ("IQD", 3), ("CLF", 4), ("XTS", 2)],
)
def test_a_currency_has_the_digits_of_iso_4217(currency: str, digits: int) -> None:
    assert minor_unit_digits(currency) == digits


@pytest.mark.parametrize("code", ["EUX", "XXX", "XAU", "eur", "", "DEM"])
def test_a_currency_that_nobody_knows_is_refused_at_start(code: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="no ISO 4217 code"):
        ensure_known_currencies(["EUR", code])


def test_a_shop_without_a_currency_is_refused_at_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="empty"):
        ensure_known_currencies([])


@pytest.mark.parametrize(
    ("written", "currency", "cents"),
    [
        ("1,000", "EUR", 100_000),
        ("¥1,000", "JPY", 1_000),
        ("1,250.00", "EUR", 125_000),
        ("€249", "EUR", 24_900),
    ],
)
def test_a_listing_is_on_sale_at_the_price_that_was_written(
    seller: Client, written: str, currency: str, cents: int
) -> None:
    page = address(seller.post("/sell/", LAMP | {"price": written, "currency": currency}))
    assert Listing.objects.get().price_cents == cents
    assert f"Published at {format_amount(cents, currency)}." in text(seller.get(page))


def test_a_seller_is_asked_where_an_amount_has_two_meanings(seller: Client) -> None:
    page = text(seller.post("/sell/", LAMP | {"price": "1.000"}), 400)
    assert "“1.000” could mean €1,000.00 or €1.00." in page
    assert 'value="1.000"' in page
    assert not Listing.objects.exists()
    address(seller.post("/sell/", LAMP | {"price": "1000"}))
    assert Listing.objects.get().price_cents == 100_000


def test_a_price_above_the_highest_is_refused_with_the_highest(seller: Client) -> None:
    page = text(seller.post("/sell/", LAMP | {"price": "10000000.01"}), 400)
    assert "up to €10,000,000.00" in page


def test_a_form_shows_the_amount_before_it_is_published(seller: Client, client: Client) -> None:
    def shown(**query: str) -> Any:
        return seller.get("/sell/price/", query).json()

    assert shown(price="1,000", currency="EUR") == {"shown": "€1,000.00", "problem": ""}
    assert "€1,000.00 or €1.00" in shown(price="1.000", currency="EUR")["problem"]
    assert shown(price="1", currency="EUX") == {"shown": "", "problem": ""}
    assert client.get("/sell/price/?price=1&currency=EUR").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("max_price=1,000", ["A dear lamp", "A cheap lamp"]),
        ("max_price=€999.99", ["A cheap lamp"]),
        ("max_price=1.000", []),
        ("max_price=cheap", []),
        ("max_price=1e999997", []),
        ("max_price=999999999999999", ["A dear lamp", "A cheap lamp"]),
        ("max_price=1,000&currency=JPY", ["A lamp in yen"]),
        ("max_price=500&currency=JPY", []),
        ("ordering=cheapest&currency=JPY", ["A lamp in yen"]),
        ("ordering=cheapest", ["A cheap lamp", "A dear lamp"]),
        ("currency=EUX", ["A lamp in yen", "A dear lamp", "A cheap lamp"]),
    ],
)
def test_the_price_filter_reads_amounts_as_the_sell_form_does(
    client: Client, put_on_sale: Callable[..., Listing], query: str, found: list[str]
) -> None:
    put_on_sale("A cheap lamp", price_cents=1_000)
    put_on_sale("A dear lamp", price_cents=100_000)
    put_on_sale("A lamp in yen", price_cents=1_000, currency="JPY")
    page = text(client.get(f"/?{query}"))
    shown = sorted(
        (page.index(f'data-title="{title}"'), title)
        for title in ("A cheap lamp", "A dear lamp", "A lamp in yen")
        if f'data-title="{title}"' in page
    )
    assert [title for _, title in shown] == found
    assert ("max_price-wrong" in page) == (not found and "JPY" not in query)


@pytest.mark.django_db
def test_prices_are_compared_in_one_currency_and_the_answer_names_it(
    client: Client, put_on_sale: Callable[..., Listing]
) -> None:
    """A minor unit of one currency is no minor unit of another: ¥5,000 is less than €50.00."""
    put_on_sale("Lamp in euros", price_cents=4_000)
    put_on_sale("Lamp in yen", price_cents=3_000, currency="JPY")
    for query, currency, titles in (
        ("", None, ["Lamp in yen", "Lamp in euros"]),
        ("min_price_cents=1", "EUR", ["Lamp in euros"]),
        ("max_price_cents=5000&currency=JPY", "JPY", ["Lamp in yen"]),
        ("ordering=cheapest", "EUR", ["Lamp in euros"]),
        ("ordering=dearest&currency=JPY", "JPY", ["Lamp in yen"]),
        ("ordering=oldest", None, ["Lamp in euros", "Lamp in yen"]),
        ("search=lamp&ordering=dearest", "EUR", ["Lamp in euros"]),
    ):
        answer = client.get(f"/api/listings/?{query}").json()
        assert (answer["currency"], [each["title"] for each in answer["results"]]) == (currency, titles)
