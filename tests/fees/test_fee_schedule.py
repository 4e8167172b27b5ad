"""The fee schedule: the checked-in one, a configured one, and what is said of a bad one."""

import json
import re
from copy import deepcopy
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from babel.numbers import get_currency_precision, list_currencies

from fees.calculate import calculate_fee
from fees.configuration import load_schedule
from fees.currencies import CURRENCY_CODES
from fees.order import InvalidOrder, Order
from fees.schedule import InvalidSchedule, Schedule
from fees.schedule_parser import parse_schedule

FLEA_MARKET: dict[str, Any] = {
    "version": "flea-market-1",
    "default_currency": "EUR",
    "currencies": {
        "EUR": {
            "minor_unit_digits": 2,
            "default": {
                "percentage_bps": 1000,
                "fixed_cents": 5,
                "minimum_cents": 10,
                "maximum_cents": 900,
            },
            "categories": {"vinyl records": {"percentage_bps": 200}},
        }
    },
}
SOLD_IN = ["EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "JPY", "KWD"]
DELETED = object()


def change_schedule(*path: str, value: object) -> str:
    schedule = deepcopy(FLEA_MARKET)
    place = schedule
    for key in path[:-1]:
        place = place[key]
    if value is DELETED:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(schedule)


def test_without_configuration_the_checked_in_schedule_covers_every_currency_we_sell_in() -> None:
    schedule = load_schedule({})
    assert schedule.version == "2026-11"
    assert set(schedule.currencies) == set(SOLD_IN)
    for rules in schedule.currencies.values():
        assert set(rules.categories) == {"books", "electronics", "furniture", "art"}


@pytest.mark.parametrize("code", SOLD_IN)
def test_a_minor_unit_has_the_digits_that_the_rest_of_the_shop_takes_from_babel(code: str) -> None:
    assert load_schedule({}).currencies[code].minor_unit_digits == get_currency_precision(code)


def test_the_digits_differ_among_the_currencies_that_we_sell_in() -> None:
    currencies = load_schedule({}).currencies
    assert [currencies[code].minor_unit_digits for code in ("EUR", "JPY", "KWD")] == [2, 0, 3]


def test_the_codes_that_a_schedule_may_have_are_known_to_babel() -> None:
    assert list_currencies() >= CURRENCY_CODES
    assert set(SOLD_IN) < CURRENCY_CODES


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_setting_is_no_setting(blank: str) -> None:
    assert load_schedule({"FEE_SCHEDULE": blank}) == load_schedule({})


def test_a_schedule_is_configured_as_json_text() -> None:
    assert load_schedule({"FEE_SCHEDULE": f"\n {json.dumps(FLEA_MARKET)}"}).version == "flea-market-1"


def test_a_schedule_is_configured_as_a_path(tmp_path: Path) -> None:
    path = tmp_path / "flea-market.json"
    path.write_text(json.dumps(FLEA_MARKET))
    assert load_schedule({"FEE_SCHEDULE": str(path)}).version == "flea-market-1"


def test_a_category_overrides_only_what_it_names() -> None:
    schedule = parse_schedule(json.dumps(FLEA_MARKET))
    scratched_record = Order(price_cents=10_000, currency="EUR", category="vinyl records")
    quote = calculate_fee(scratched_record, schedule=schedule)
    assert quote.breakdown.percentage_bps == 200
    assert quote.breakdown.fixed_cents == 5
    assert quote.rule == "flea-market-1/EUR/vinyl records"


def test_a_loaded_schedule_cannot_be_changed() -> None:
    schedule = load_schedule({})
    with pytest.raises(FrozenInstanceError):
        schedule.version = "cheaper"  # type: ignore[misc]  # Assigning is the point of the test.
    with pytest.raises(TypeError):
        schedule.currencies["XXX"] = schedule.currencies["EUR"]  # type: ignore[index]  # As above.


EUR = ("currencies", "EUR")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ('{"version": "1", "version": "2"}', "is not JSON: a field is named twice"),
        ("{" * 100, "is not JSON"),
        ('{"a":' + "[" * 100_000, "is not JSON"),
        ("{}", "the schedule lacks currencies, default_currency, version"),
        (change_schedule("colour", value="red"), "the schedule has unknown colour"),
        (change_schedule("version", value=7), "version must be text that matches"),
        (change_schedule("version", value="a/b"), "version must be text that matches"),
        (change_schedule("currencies", value=[]), "currencies must be a JSON object"),
        (change_schedule("currencies", value={}), "default_currency must be one of"),
        (change_schedule("default_currency", value="USD"), "default_currency must be one of EUR"),
        (change_schedule("default_currency", value=["EUR"]), "default_currency must be one of EUR"),
        (change_schedule("currencies", "usd", value={}), "currency 'usd' is no code of ISO 4217"),
        (change_schedule("currencies", "EUP", value=FLEA_MARKET["currencies"]["EUR"]), "'EUP' is no code"),
        (change_schedule(*EUR, value=3), "currencies.EUR must be a JSON object"),
        (change_schedule(*EUR, "default", value=DELETED), "currencies.EUR lacks default"),
        (
            change_schedule(*EUR, "minor_unit_digits", value=9),
            "currencies.EUR.minor_unit_digits must be a whole",
        ),
        (
            change_schedule(*EUR, "default", "fixed_cents", value=DELETED),
            "currencies.EUR.default lacks fixed_cents",
        ),
        (
            change_schedule(*EUR, "default", "percentage_bps", value=10_001),
            "currencies.EUR.default.percentage_bps must be a whole number from 0 to 10000",
        ),
        (
            change_schedule(*EUR, "default", "fixed_cents", value=True),
            "currencies.EUR.default.fixed_cents must be a whole number",
        ),
        (
            change_schedule(*EUR, "default", "fixed_cents", value=2.5),
            "currencies.EUR.default.fixed_cents must be a whole number",
        ),
        (
            change_schedule(*EUR, "default", "minimum_cents", value=901),
            "currencies.EUR.default.minimum_cents must not be above its maximum_cents",
        ),
        (
            change_schedule(*EUR, "default", "commission_bps", value=10_001),
            "currencies.EUR.default.commission_bps must be a whole number from 0 to 10000",
        ),
        (
            change_schedule(*EUR, "default", "commission_bps_of_tiers", value={"Gold": 1}),
            "tier 'Gold' must be text that matches",
        ),
        (
            change_schedule(*EUR, "default", "commission_bps_of_tiers", value={"gold": -1}),
            "currencies.EUR.default.commission_bps_of_tiers.gold must be a whole number",
        ),
        (change_schedule(*EUR, "categories", value=None), "currencies.EUR.categories must be a JSON object"),
        (change_schedule(*EUR, "categories", "", value={}), "category '' must be text that matches"),
        (change_schedule(*EUR, "categories", "\0", value={}), "must be text that matches"),
        (
            change_schedule(*EUR, "categories", "art", value={"percent": 5}),
            "currencies.EUR.categories.art has unknown percent",
        ),
        (
            change_schedule(*EUR, "categories", "art", value={"maximum_cents": 9}),
            "currencies.EUR.categories.art.minimum_cents must not be above",
        ),
    ],
)
def test_a_bad_schedule_is_refused_with_the_place_to_mend(text: str, message: str) -> None:
    with pytest.raises(InvalidSchedule, match=re.escape(message)):
        parse_schedule(text)


@pytest.mark.parametrize("setting", ["/no/such/schedule.json", "/", "a\0b", "[]"])
def test_a_setting_that_is_no_file_is_refused_by_its_name(setting: str) -> None:
    with pytest.raises(InvalidSchedule, match=r"^FEE_SCHEDULE: must be JSON text or the path of a readable"):
        load_schedule({"FEE_SCHEDULE": setting})


def test_a_bad_configured_schedule_says_which_setting_is_bad() -> None:
    with pytest.raises(InvalidSchedule, match=r"^FEE_SCHEDULE: the schedule lacks "):
        load_schedule({"FEE_SCHEDULE": "{}"})


def configure(*, now: str, before: str) -> Schedule:
    cheap = {**FLEA_MARKET, "version": before}
    cheap["currencies"] = deepcopy(FLEA_MARKET["currencies"])
    cheap["currencies"]["EUR"]["default"]["percentage_bps"] = 0
    schedules = {"FEE_SCHEDULE": {**FLEA_MARKET, "version": now}, "FEE_SCHEDULE_BEFORE": cheap}
    return load_schedule({name: json.dumps(schedule) for name, schedule in schedules.items()})


def test_an_order_is_charged_by_the_schedule_by_which_it_was_quoted() -> None:
    schedule = configure(now="2", before="1")
    quotes = {
        version: calculate_fee(Order(price_cents=1_000, currency="EUR", version=version), schedule=schedule)
        for version in ("1", "2", None)
    }
    assert {version: quote.version for version, quote in quotes.items()} == {"1": "1", "2": "2", None: "2"}
    assert quotes["1"].rule == "1/EUR"
    assert quotes["1"].fee_cents < quotes["2"].fee_cents == quotes[None].fee_cents


@pytest.mark.parametrize("version", ["0", "3", ""])
def test_an_order_quoted_by_a_schedule_that_is_gone_is_refused_and_its_buyer_can_read_why(
    version: str,
) -> None:
    order = Order(price_cents=1_000, currency="EUR", version=version)
    with pytest.raises(InvalidOrder, match="the fee has changed since it was quoted"):
        calculate_fee(order, schedule=configure(now="2", before="1"))


@pytest.mark.parametrize("version", [1, "v" * 33, ["2"]])
def test_a_version_that_is_none_is_no_order(version: Any) -> None:
    with pytest.raises(InvalidOrder, match="version must be text"):
        Order(price_cents=1_000, currency="EUR", version=version)


def test_the_schedule_before_has_another_version() -> None:
    with pytest.raises(InvalidSchedule, match="FEE_SCHEDULE_BEFORE: version must not be 2"):
        configure(now="2", before="2")
    with pytest.raises(InvalidSchedule, match="FEE_SCHEDULE_BEFORE: the schedule lacks"):
        load_schedule({"FEE_SCHEDULE_BEFORE": "{}"})
