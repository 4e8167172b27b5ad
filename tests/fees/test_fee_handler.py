"""The Lambda handler: what each request is answered, and that none makes it raise."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fees.handler import handler

ARMCHAIR = {"price_cents": 19_999, "currency": "EUR", "quantity": 1, "category": "furniture"}
ARMCHAIR_QUOTE = {
    "fee_cents": 950,
    "total_cents": 20_949,
    "commission_cents": 0,
    "currency": "EUR",
    "rule": "2026-11/EUR/furniture",
    "version": "2026-11",
    "breakdown": {
        "amount_cents": 19_999,
        "percentage_bps": 450,
        "percentage_cents": 900,
        "fixed_cents": 50,
        "minimum_cents": 30,
        "maximum_cents": 25_000,
        "limit_applied": None,
    },
}
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=10,
)


def make_event(*, method: str = "POST", path: str = "/", **fields: object) -> dict[str, object]:
    return {
        "version": "2.0",
        "rawPath": path,
        "requestContext": {"http": {"method": method, "path": path}},
        **fields,
    }


def call(event: object) -> tuple[int, Any]:
    response = handler(event, None)
    assert response["headers"]["content-type"] == "application/json"
    return response["statusCode"], json.loads(response["body"])


def post(request: object) -> tuple[int, Any]:
    return call(make_event(body=json.dumps(request), isBase64Encoded=False))


def post_text(body: object) -> tuple[int, Any]:
    return call(make_event(body=body, isBase64Encoded=False))


def test_an_armchair_is_quoted() -> None:
    assert post(ARMCHAIR) == (200, ARMCHAIR_QUOTE)


def test_quantity_and_category_may_be_left_out_or_null() -> None:
    status, quote = post({"price_cents": 100, "currency": "EUR", "category": None})
    assert (status, quote["total_cents"], quote["rule"]) == (200, 130, "2026-11/EUR")


def test_a_base64_body_is_the_same_request() -> None:
    body = base64.b64encode(json.dumps(ARMCHAIR).encode()).decode()
    assert call(make_event(body=body, isBase64Encoded=True)) == (200, ARMCHAIR_QUOTE)


def test_an_event_with_nothing_but_a_method_and_a_body_is_enough() -> None:
    event = {"requestContext": {"http": {"method": "POST"}}, "body": json.dumps(ARMCHAIR)}
    assert call(event) == (200, ARMCHAIR_QUOTE)


def test_an_event_without_a_path_asks_for_the_root() -> None:
    assert call({"requestContext": {"http": {"method": "GET"}}})[0] == 200


def test_a_batch_is_answered_in_its_order_and_one_bad_order_fails_alone() -> None:
    orders = [
        {"order_id": "armchair", **ARMCHAIR},
        {"order_id": "free lunch", "price_cents": 0, "currency": "EUR"},
        {"order_id": "gold", "price_cents": 1, "currency": "XAU"},
        {"price_cents": 1, "currency": "EUR"},
        {"order_id": 7, "price_cents": 1, "currency": "EUR"},
        {"order_id": "7" * 101, "price_cents": 1, "currency": "EUR"},
        {"order_id": "vase", "price_cents": 1, "currency": "EUR", "colour": "blue"},
        {"order_id": "lamp"},
        "sofa",
        {"order_id": "armchair", **ARMCHAIR},
    ]
    status, answer = post({"orders": orders})
    fees = answer["fees"]
    assert status == 200
    assert fees[0] == fees[9] == {"order_id": "armchair", **ARMCHAIR_QUOTE}
    assert fees[1:9] == [
        {"order_id": "free lunch", "error": "price_cents must be a whole number from 1 to 1000000000000"},
        {
            "order_id": "gold",
            "error": "no fee is set for XAU; schedule 2026-11 has "
            "EUR, USD, GBP, CHF, SEK, NOK, DKK, PLN, CZK, JPY, KWD",
        },
        {"order_id": None, "error": "order_id must be text of at most 100 characters"},
        {"order_id": None, "error": "order_id must be text of at most 100 characters"},
        {"order_id": None, "error": "order_id must be text of at most 100 characters"},
        {"order_id": "vase", "error": "unknown field: colour"},
        {"order_id": "lamp", "error": "missing fields: currency, price_cents"},
        {"order_id": None, "error": "an order must be a JSON object"},
    ]


def test_an_empty_batch_has_no_fees() -> None:
    assert post({"orders": []}) == (200, {"fees": []})


def test_a_thousand_orders_are_a_batch_and_one_more_is_too_many() -> None:
    mug = {"order_id": "mug", "price_cents": 900, "currency": "EUR"}
    status, answer = post({"orders": [mug] * 1000})
    assert (status, len(answer["fees"])) == (200, 1000)
    assert post({"orders": [mug] * 1001}) == (400, {"error": "orders must hold at most 1000 orders"})


@pytest.mark.parametrize(
    ("price", "fee", "total"),
    [
        ("10.0", 0.75, 10.75),
        ("10", 0.75, 10.75),
        ("1e1", 0.75, 10.75),
        ("19.99", 1.25, 21.24),
        ("0.010", 0.3, 0.31),
    ],
)
def test_the_tutorials_client_gets_its_fee_in_whole_units(price: str, fee: float, total: float) -> None:
    assert post_text(f'{{"price": {price}}}') == (200, {"fee": fee, "total": total})


@pytest.mark.parametrize(
    ("price", "error"),
    [
        ("10.001", "price must have at most 2 digits after the point"),
        ("0", "price must be above 0"),
        ("-0.0", "price must be above 0"),
        ("-10.0", "price must be above 0"),
        ('"10.0"', "price must be a number"),
        ("true", "price must be a number"),
        ("null", "price must be a number"),
        ("10.00" + "0" * 30 + "1", "price must have at most 15 digits"),
        ("1e999999", "price must have at most 15 digits"),
        ("1e-999999", "price must have at most 15 digits"),
        ("9" * 40, "price must have at most 15 digits"),
        ("9" * 41, "body is not JSON: a number has more than 40 characters"),
        ("1." + "0" * 39, "body is not JSON: a number has more than 40 characters"),
        ("9" * 1_000_000, "body is not JSON: a number has more than 40 characters"),
        ("1e12", "price_cents must be a whole number from 1 to 1000000000000"),
        ("NaN", "body is not JSON: NaN is not a JSON number"),
        ("Infinity", "body is not JSON: Infinity is not a JSON number"),
        ("-Infinity", "body is not JSON: -Infinity is not a JSON number"),
        ("1e99999999999999999999", "body is not JSON: a number's exponent is out of range"),
    ],
)
def test_a_plain_price_that_is_no_amount_of_money_is_refused(price: str, error: str) -> None:
    assert post_text(f'{{"price": {price}}}') == (400, {"error": error})


@pytest.mark.parametrize(
    ("request_body", "error"),
    [
        ({}, "missing fields: currency, price_cents"),
        ({"price_cents": 1}, "missing field: currency"),
        ({"price_cents": 1, "currency": "EUR", "size": 1, "colour": 2}, "unknown fields: colour, size"),
        ({"price": 1, "currency": "EUR"}, "unknown field: currency"),
        ({"orders": [], "currency": "EUR"}, "unknown field: currency"),
        ({"orders": {}}, "orders must be a list"),
        (
            {"price_cents": 10.0, "currency": "EUR"},
            "price_cents must be a whole number from 1 to 1000000000000",
        ),
        ([ARMCHAIR], "body must be a JSON object"),
        (None, "body must be a JSON object"),
    ],
)
def test_a_request_that_is_no_order_is_refused_with_the_reason(request_body: object, error: str) -> None:
    assert post(request_body) == (400, {"error": error})


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "body is not JSON"),
        (None, "body is not JSON"),
        ("armchair", "body is not JSON"),
        ('{"price_cents": 1, "price_cents": 2}', "body is not JSON: a field is named twice"),
        ('{"price_cents": ' + "9" * 5000 + "}", "body is not JSON: a number has more than 40 characters"),
        ('{"orders": [{"order_id": ' + "[" * 100_000, "body is nested too deeply"),
        ("\ud800", "body is not JSON"),
        ("[" * 500_000, "body is nested too deeply"),
        ('{"orders": ' * 50_000, "body is nested too deeply"),
        (["armchair"], "body must be text"),
    ],
)
def test_a_body_that_is_no_json_is_refused(body: object, error: str) -> None:
    status, answer = post_text(body)
    assert (status, answer["error"][: len(error)]) == (400, error)


@pytest.mark.parametrize("body", ["armchair!", "é", "YQ"])
def test_a_body_that_is_no_base64_is_refused(body: str) -> None:
    status, answer = call(make_event(body=body, isBase64Encoded=True))
    assert (status, answer["error"]) == (400, "body is not base64, though isBase64Encoded says so")


@pytest.mark.parametrize("is_base64", [False, True])
def test_a_body_of_one_mebibyte_is_read_and_one_byte_more_is_too_large(is_base64: bool) -> None:
    def post_bytes(body: bytes) -> tuple[int, Any]:
        text = base64.b64encode(body).decode() if is_base64 else body.decode()
        return call(make_event(body=text, isBase64Encoded=is_base64))

    padded = json.dumps(ARMCHAIR).encode().ljust(1024 * 1024)
    assert post_bytes(padded) == (200, ARMCHAIR_QUOTE)
    assert post_bytes(padded + b" ") == (413, {"error": "body must be at most 1048576 bytes"})


def test_a_body_is_measured_in_bytes_not_characters() -> None:
    assert post_text("é" * (512 * 1024 + 1))[0] == 413


@pytest.mark.parametrize("path", ["/", "/health"])
def test_the_status_names_the_schedule(path: str) -> None:
    assert call(make_event(method="GET", path=path)) == (200, {"status": "ok", "version": "2026-11"})


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/", "GET, POST"),
        ("PUT", "/health", "GET, POST"),
        ("GET", "/armchairs", "POST"),
        ("", "/", "GET, POST"),
    ],
)
def test_another_method_is_refused_with_those_allowed(method: str, path: str, allow: str) -> None:
    response = handler(make_event(method=method, path=path), None)
    assert (response["statusCode"], response["headers"]["allow"]) == (405, allow)


@pytest.mark.parametrize(
    "event", [None, [], {}, {"requestContext": 1}, {"requestContext": {"http": {"method": 1}}}]
)
def test_what_is_no_function_url_event_is_refused(event: object) -> None:
    status, answer = call(event)
    assert (status, answer["error"].startswith("not a Function URL event")) == (400, True)


@given(JSON_VALUES)
def test_no_event_makes_the_handler_raise(event: object) -> None:
    assert call(event)[0] == 400


@given(JSON_VALUES, JSON_VALUES, JSON_VALUES)
def test_no_field_of_an_event_makes_the_handler_raise(body: object, path: object, is_base64: object) -> None:
    assert call(make_event() | {"body": body, "rawPath": path, "isBase64Encoded": is_base64})[0] in (200, 400)


@given(st.dictionaries(st.sampled_from([*ARMCHAIR, "orders", "price", "order_id"]), JSON_VALUES))
def test_no_request_makes_the_handler_raise(request_body: dict[str, object]) -> None:
    assert post(request_body)[0] in (200, 400)


@given(st.lists(st.dictionaries(st.sampled_from([*ARMCHAIR, "order_id"]), JSON_VALUES) | JSON_VALUES))
def test_every_order_of_a_batch_is_answered_whatever_is_in_it(orders: list[object]) -> None:
    status, answer = post({"orders": orders})
    assert (status, len(answer["fees"])) == (200, len(orders))
