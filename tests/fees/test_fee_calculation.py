"""The fee of an order: rounding, limits, and what cannot be priced."""

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fees.calculate import Breakdown, Quote, UnknownCurrency, calculate_fee
from fees.configuration import load_schedule
from fees.order import InvalidOrder, Order
from fees.schedule_parser import parse_schedule

SCHEDULE = load_schedule({})
RULE = {"percentage_bps": 500, "fixed_cents": 25, "minimum_cents": 30, "maximum_cents": 25_000}
CURRENCIES = st.sampled_from(list(SCHEDULE.currencies))
CATEGORIES = st.none() | st.sampled_from(["books", "electronics", "furniture", "art"]) | st.text(max_size=50)
PRICES = st.integers(1, 10**12) | st.integers(1, 100_000)
QUANTITIES = st.integers(1, 10**6) | st.integers(1, 20)
ORDERS = st.builds(Order, price_cents=PRICES, currency=CURRENCIES, quantity=QUANTITIES, category=CATEGORIES)


def quote_order(**fields: Any) -> Quote:
    return calculate_fee(Order(**fields), schedule=SCHEDULE)


def test_a_crunchy_armchair_pays_a_percentage_and_a_fixed_part() -> None:
    assert quote_order(price_cents=19_999, currency="EUR", category="furniture") == Quote(
        fee_cents=950,
        total_cents=20_949,
        commission_cents=0,
        currency="EUR",
        rule="2026-11/EUR/furniture",
        version="2026-11",
        breakdown=Breakdown(
            amount_cents=19_999,
            percentage_bps=450,
            percentage_cents=900,
            fixed_cents=50,
            minimum_cents=30,
            maximum_cents=25_000,
            limit_applied=None,
        ),
    )


def test_three_paperbacks_in_one_order_pay_the_fixed_part_once() -> None:
    quote = quote_order(price_cents=1_000, currency="EUR", quantity=3, category="books")
    assert (quote.fee_cents, quote.total_cents) == (90 + 15, 3_105)


def test_a_one_cent_bookmark_pays_the_minimum() -> None:
    quote = quote_order(price_cents=1, currency="EUR", category="books")
    assert (quote.fee_cents, quote.breakdown.limit_applied) == (30, "minimum")


def test_a_grand_piano_pays_no_more_than_the_maximum() -> None:
    quote = quote_order(price_cents=9_000_000, currency="EUR")
    assert (quote.fee_cents, quote.breakdown.limit_applied) == (25_000, "maximum")


def test_a_fee_that_meets_its_minimum_exactly_is_not_limited() -> None:
    quote = quote_order(price_cents=100, currency="EUR")
    assert (quote.fee_cents, quote.breakdown.limit_applied) == (30, None)


@pytest.mark.parametrize(("price_cents", "percentage_cents"), [(1_009, 50), (1_010, 51), (1_011, 51)])
def test_half_a_cent_is_rounded_up(price_cents: int, percentage_cents: int) -> None:
    assert quote_order(price_cents=price_cents, currency="EUR").breakdown.percentage_cents == percentage_cents


def test_a_category_the_schedule_does_not_name_pays_the_default() -> None:
    assert quote_order(price_cents=500, currency="EUR", category="kites").rule == "2026-11/EUR"


def test_a_tea_bowl_in_yen_and_a_rug_in_dinars_are_priced_in_their_own_minor_units() -> None:
    assert quote_order(price_cents=3_000, currency="JPY").fee_cents == 150 + 40
    assert quote_order(price_cents=3_000, currency="KWD").fee_cents == 150 + 80


def test_a_currency_without_a_rule_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(UnknownCurrency, match="no fee is set for XAU; schedule 2026-11 has EUR, USD"):
        quote_order(price_cents=100, currency="XAU")


@pytest.mark.parametrize("price_cents", [0, -1, 10**12 + 1, True, 9.99, 10.0, "10", None, Decimal(10)])
def test_a_price_that_is_no_whole_number_in_range_is_refused(price_cents: object) -> None:
    with pytest.raises(InvalidOrder, match="price_cents must be a whole number from 1 to 1000000000000"):
        quote_order(price_cents=price_cents, currency="EUR")


@pytest.mark.parametrize("quantity", [0, -1, 10**6 + 1, True, 1.0, "1", None])
def test_a_quantity_that_is_no_whole_number_in_range_is_refused(quantity: object) -> None:
    with pytest.raises(InvalidOrder, match="quantity must be a whole number from 1 to 1000000"):
        quote_order(price_cents=100, currency="EUR", quantity=quantity)


@pytest.mark.parametrize("currency", ["eur", "EU", "EURO", "", "ÉUR", "EUR\n", None, 978, ["EUR"]])
def test_a_currency_that_is_no_code_is_refused(currency: object) -> None:
    with pytest.raises(InvalidOrder, match="currency must be three upper-case letters, such as EUR"):
        quote_order(price_cents=100, currency=currency)


@pytest.mark.parametrize("category", ["a" * 51, 7, ["books"], False])
def test_a_category_that_is_no_short_text_is_refused(category: object) -> None:
    with pytest.raises(InvalidOrder, match="category must be text of at most 50 characters"):
        quote_order(price_cents=100, currency="EUR", category=category)


@given(ORDERS)
def test_a_fee_is_whole_and_stays_within_its_rule(order: Order) -> None:
    quote = calculate_fee(order, schedule=SCHEDULE)
    assert type(quote.fee_cents) is int
    assert type(quote.total_cents) is int
    assert quote.breakdown.minimum_cents <= quote.fee_cents <= quote.breakdown.maximum_cents


@given(ORDERS)
def test_the_total_is_what_is_bought_plus_the_fee(order: Order) -> None:
    quote = calculate_fee(order, schedule=SCHEDULE)
    assert quote.total_cents == order.price_cents * order.quantity + quote.fee_cents


@given(ORDERS)
def test_the_fee_is_what_half_up_decimal_arithmetic_makes_of_the_breakdown(order: Order) -> None:
    quote = calculate_fee(order, schedule=SCHEDULE)
    amount = Decimal(order.price_cents) * order.quantity
    share = amount * quote.breakdown.percentage_bps / Decimal(10_000)
    assert quote.breakdown.percentage_cents == share.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    unlimited_cents = quote.breakdown.percentage_cents + quote.breakdown.fixed_cents
    assert (quote.breakdown.limit_applied is None) == (quote.fee_cents == unlimited_cents)


@given(ORDERS, st.integers(1, 10**12))
def test_what_costs_more_never_pays_less(order: Order, dearer_cents: int) -> None:
    fees_cents = [
        calculate_fee(
            Order(
                price_cents=price_cents,
                currency=order.currency,
                quantity=order.quantity,
                category=order.category,
            ),
            schedule=SCHEDULE,
        ).fee_cents
        for price_cents in sorted([order.price_cents, dearer_cents])
    ]
    assert fees_cents == sorted(fees_cents)


@given(ORDERS)
def test_the_same_order_always_gets_the_same_fee(order: Order) -> None:
    again = calculate_fee(order, schedule=load_schedule({}))
    assert calculate_fee(order, schedule=SCHEDULE) == again


COMMISSIONED = parse_schedule(
    json.dumps(
        {
            "version": "v1",
            "default_currency": "EUR",
            "currencies": {
                code: {
                    "minor_unit_digits": digits,
                    "default": RULE | {"commission_bps": 1_000, "commission_bps_of_tiers": {"gold": 250}},
                    "categories": {"books": {"commission_bps": 333}, "art": {"commission_bps_of_tiers": {}}},
                }
                for code, digits in (("EUR", 2), ("JPY", 0), ("KWD", 3))
            },
        }
    )
)


@pytest.mark.parametrize("currency", COMMISSIONED.currencies)
@pytest.mark.parametrize(
    ("category", "seller_tier", "commission_cents"),
    [
        (None, None, 1_000),
        (None, "gold", 250),
        (None, "tin", 1_000),
        ("books", None, 333),
        ("books", "gold", 250),
        ("art", "gold", 1_000),
    ],
)
def test_a_commission_is_by_category_and_tier_and_adds_nothing_to_what_the_buyer_pays(
    currency: str, category: str | None, seller_tier: str | None, commission_cents: int
) -> None:
    order = Order(
        price_cents=5_000, quantity=2, currency=currency, category=category, seller_tier=seller_tier
    )
    quote = calculate_fee(order, schedule=COMMISSIONED)
    assert (quote.commission_cents, quote.total_cents) == (commission_cents, 10_000 + quote.fee_cents)


@given(price_cents=st.integers(1, 10**12), bps=st.integers(0, 10_000))
def test_a_commission_is_rounded_half_up_and_never_above_the_price(price_cents: int, bps: int) -> None:
    rule = RULE | {"commission_bps": bps}
    currencies = {"EUR": {"minor_unit_digits": 2, "default": rule}}
    schedule = parse_schedule(
        json.dumps({"version": "v1", "default_currency": "EUR", "currencies": currencies})
    )
    quote = calculate_fee(Order(price_cents=price_cents, currency="EUR"), schedule=schedule)
    exact = Decimal(price_cents) * bps / 10_000
    assert quote.commission_cents == int(exact.quantize(Decimal(1), ROUND_HALF_UP)) <= price_cents
