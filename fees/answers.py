"""Answers to one order, to a batch of orders, and to a plain price as the tutorial's client sends it."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from fees.calculate import calculate_fee
from fees.function_url import BadRequest
from fees.order import InvalidOrder, Order
from fees.schedule import Schedule, UnknownVersion

BATCH_LIMIT = 1000
PRICE_DIGITS_LIMIT = 15
ORDER_ID_LENGTH_LIMIT = 100
ORDER_FIELDS = {"price_cents", "currency", "quantity", "category", "seller_tier", "version"}


def answer_request(request: object, *, schedule: Schedule) -> dict[str, Any]:
    """Answer a request by its shape; raise BadRequest or InvalidOrder with the reason."""
    if not isinstance(request, dict):
        raise BadRequest("body must be a JSON object")
    if "orders" in request:
        return _answer_batch(request, schedule=schedule)
    if "price" in request:
        return _answer_price(request, schedule=schedule)
    return _answer_order(request, schedule=schedule)


def _answer_order(fields: dict[str, Any], *, schedule: Schedule) -> dict[str, Any]:
    _refuse_unknown(fields, known=ORDER_FIELDS)
    if missing := {"price_cents", "currency"} - fields.keys():
        raise InvalidOrder(f"missing {_list_fields(missing)}")
    quote = calculate_fee(Order(**fields), schedule=schedule)
    return quote._asdict() | {"breakdown": quote.breakdown._asdict()}


def _answer_batch(request: dict[str, Any], *, schedule: Schedule) -> dict[str, Any]:
    _refuse_unknown(request, known={"orders"})
    orders = request["orders"]
    if not isinstance(orders, list):
        raise BadRequest("orders must be a list")
    if len(orders) > BATCH_LIMIT:
        raise BadRequest(f"orders must hold at most {BATCH_LIMIT} orders")
    return {"fees": [_answer_entry(entry, schedule=schedule) for entry in orders]}


def _answer_entry(entry: object, *, schedule: Schedule) -> dict[str, Any]:
    if not isinstance(entry, dict):
        return {"order_id": None, "error": "an order must be a JSON object"}
    order_id = entry.get("order_id")
    if not isinstance(order_id, str) or len(order_id) > ORDER_ID_LENGTH_LIMIT:
        return {
            "order_id": None,
            "error": f"order_id must be text of at most {ORDER_ID_LENGTH_LIMIT} characters",
        }
    fields = {field: value for field, value in entry.items() if field != "order_id"}
    try:
        return {"order_id": order_id, **_answer_order(fields, schedule=schedule)}
    except UnknownVersion as refusal:
        # Another replica of this function may know it already, while a new schedule is rolled out.
        return {"order_id": order_id, "error": str(refusal), "unknown_version": True}
    except InvalidOrder as refusal:
        return {"order_id": order_id, "error": str(refusal)}


def _answer_price(request: dict[str, Any], *, schedule: Schedule) -> dict[str, float]:
    _refuse_unknown(request, known={"price"})
    digits = schedule.currencies[schedule.default_currency].minor_unit_digits
    price_cents = _read_price(request["price"], digits=digits)
    order = Order(price_cents=price_cents, currency=schedule.default_currency)
    quote = calculate_fee(order, schedule=schedule)
    return {"fee": quote.fee_cents / 10**digits, "total": quote.total_cents / 10**digits}


def _read_price(price: object, *, digits: int) -> int:
    """Turn a price in whole units into minor units, exactly; the order itself checks its range."""
    if type(price) is not int and not isinstance(price, Decimal):
        raise InvalidOrder("price must be a number")
    number = Decimal(price)
    # Measured before any arithmetic, which would round a longer number or unfold a huge exponent.
    if len(number.as_tuple().digits) > PRICE_DIGITS_LIMIT or abs(number.adjusted()) > PRICE_DIGITS_LIMIT:
        raise InvalidOrder(f"price must have at most {PRICE_DIGITS_LIMIT} digits")
    price_cents = number.scaleb(digits)
    if price_cents != int(price_cents):
        raise InvalidOrder(f"price must have at most {digits} digits after the point")
    if price_cents <= 0:
        raise InvalidOrder("price must be above 0")
    return int(price_cents)


def _refuse_unknown(fields: dict[str, Any], *, known: set[str]) -> None:
    if unknown := fields.keys() - known:
        raise InvalidOrder(f"unknown {_list_fields(unknown)}")


def _list_fields(names: Iterable[str]) -> str:
    listed = sorted(names)
    return f"field{'s' if len(listed) > 1 else ''}: {', '.join(listed)}"[:200]
