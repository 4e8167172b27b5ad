"""Every field of an answer is bounded and compared with what was asked."""

import json
from typing import Any
from uuid import uuid4

import pytest

from microstore.fee_function.quotes import FeeRequest, Quote, RefusedQuote, WrongAnswer, read_quotes

ARMCHAIR = FeeRequest(uuid4(), price_cents=12_450, currency="EUR", quantity=2, category="furniture")
QUOTE = {"order_id": str(ARMCHAIR.order_id), "fee_cents": 100, "total_cents": 25_000, "rule": "v1/EUR"}
REFUSAL = {"order_id": str(ARMCHAIR.order_id), "error": "no fee is set for armchairs"}


def read(*fees: object) -> Any:
    return read_quotes(json.dumps({"fees": fees}).encode(), [ARMCHAIR])[ARMCHAIR.order_id]


def with_fee(fee_cents: int) -> dict[str, Any]:
    return QUOTE | {"fee_cents": fee_cents, "total_cents": 24_900 + fee_cents}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"currency": "EUR"},
        {"currency": None},
        {"error": None},
        {"discount": 1},
        {
            "breakdown": {
                "fixed_cents": 25,
                "rate": 0.05,
                "limit_applied": None,
                "capped": True,
                "tier": "gold",
            }
        },
    ],
)
def test_a_quote_is_read(more: dict[str, Any]) -> None:
    quote = read(QUOTE | more)
    assert isinstance(quote, Quote)
    assert (quote.fee_cents, repr(quote.breakdown)) == (100, repr(more.get("breakdown", {})))


def test_a_refusal_is_read() -> None:
    assert isinstance(read(REFUSAL | {"fee_cents": None}), RefusedQuote)
    assert read(REFUSAL | {"error": "no\nfee " * 500}).error.startswith("no\nfee")


@pytest.mark.parametrize("fee_cents", [0, 24_900, 100_000])
def test_a_fee_up_to_the_price_or_a_fixed_bound_is_believed(fee_cents: int) -> None:
    assert read(with_fee(fee_cents)).fee_cents == fee_cents


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"<html>",
            b"null",
            b"[]",
            b"{}",
            b'"fees"',
            b'{"fees": null}',
            b'{"fees": {}}',
            b'{"fees": [1]}',
        ),
        *(
            b'{"fees": [{}]}',
            b"\xff\xfe",
            b'{"fees": [NaN]}',
            b'{"fees": [',
            b"[" * 100_000,
            b'{"fees":' * 100_000,
        ),
        b'{"fees": [' + b"9" * 100_000 + b"]}",
    ],
)
def test_an_answer_that_is_malformed_is_refused(content: bytes) -> None:
    with pytest.raises(WrongAnswer):
        read_quotes(content, [ARMCHAIR])


@pytest.mark.parametrize(
    "changed",
    [
        {"total_cents": 24_999},
        {"total_cents": 25_001},
        {"fee_cents": -1, "total_cents": 24_899},
        {"fee_cents": "100"},
        {"fee_cents": 100.0},
        {"fee_cents": True, "total_cents": 24_901},
        {"fee_cents": None},
        {"total_cents": None},
        with_fee(100_001),
        with_fee(10**30),
        {"rule": None},
        {"rule": "r" * 101},
        {"rule": "nul \0"},
        {"order_id": "armchair"},
        {"order_id": None},
        {"currency": "USD"},
        {"currency": "eur"},
        {"error": "sold by somebody else"},
        {"error": ""},
        {"breakdown": []},
        {"breakdown": None},
        {"breakdown": {"": "\0"}},
        {"breakdown": {"\0": 1}},
        {"breakdown": {"k" * 51: 1}},
        {"breakdown": {"note": "n" * 201}},
        {"breakdown": {"taxes": {"vat": 19}}},
        {"breakdown": {"taxes": [19]}},
        {"breakdown": {"rate": 10**30}},
        {"breakdown": {"rate": float("nan")}},
        {"breakdown": {f"part {number}": 1 for number in range(31)}},
    ],
)
def test_a_quote_that_cannot_be_right_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(WrongAnswer):
        read(QUOTE | changed)


@pytest.mark.parametrize(
    "changed", [{"error": ""}, {"error": "nul \0"}, {"error": 7}, {"fee_cents": 100}, {"total_cents": 25_000}]
)
def test_a_refusal_that_cannot_be_right_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(WrongAnswer):
        read(REFUSAL | changed)


@pytest.mark.parametrize("fees", [[], [QUOTE, QUOTE], [QUOTE, REFUSAL], [QUOTE | {"order_id": str(uuid4())}]])
def test_an_order_has_exactly_one_quote(fees: list[object]) -> None:
    with pytest.raises(WrongAnswer, match="quotes for order"):
        read(*fees)


def test_the_first_of_many_faults_is_enough_to_refuse_an_answer() -> None:
    with pytest.raises(WrongAnswer) as refusal:
        read(*range(100_000))
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize("version", ["2026-12", "", None, 2026, "nul \0"])
def test_a_quote_by_another_schedule_than_the_buyer_has_seen_is_refused(version: object) -> None:
    asked = ARMCHAIR._replace(version="2026-11")
    assert read_quotes(json.dumps({"fees": [QUOTE | {"version": "2026-11"}]}).encode(), [asked])
    with pytest.raises(WrongAnswer):
        read_quotes(json.dumps({"fees": [QUOTE | {"version": version}]}).encode(), [asked])


def test_a_commission_up_to_the_price_is_believed_and_none_is_nothing() -> None:
    assert read(QUOTE).commission_cents == 0
    assert read(QUOTE | {"commission_cents": 24_900}).commission_cents == 24_900
    for wrong in (24_901, -1, "1", None):
        with pytest.raises(WrongAnswer):
            read(QUOTE | {"commission_cents": wrong})


def test_a_fee_function_is_sent_a_tier_only_where_there_is_one() -> None:
    assert "seller_tier" not in ARMCHAIR.as_json()
    assert ARMCHAIR._replace(seller_tier="gold").as_json()["seller_tier"] == "gold"
