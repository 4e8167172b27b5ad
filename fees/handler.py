"""The AWS Lambda handler: a Function URL request in, a fee out. No input makes it raise."""

import json
import os
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import NoReturn

from fees.answers import answer_request
from fees.configuration import load_schedule
from fees.function_url import BadRequest, Response, make_response, read_body, read_event, read_method
from fees.json_objects import as_object
from fees.order import InvalidOrder
from fees.signature import check_signature, load_signing_keys

STATUS_PATHS = ("/", "/health")
# Longer than any amount or rate. Measured before int() and Decimal(), whose cost grows with the square.
NUMBER_LENGTH_LIMIT = 40

# Once a process: a bad schedule fails the cold start, not the first sale.
SCHEDULE = load_schedule(os.environ)
SIGNING_KEYS = load_signing_keys(os.environ)


def handler(event: object, _context: object) -> Response:
    """Answer one request: POST prices orders on any path, GET / and GET /health return the version."""
    try:
        return _answer_event(read_event(event))
    except BadRequest as refusal:
        return make_response(refusal.status, {"error": str(refusal)})
    except InvalidOrder as refusal:
        return make_response(HTTPStatus.BAD_REQUEST, {"error": str(refusal)})


def _answer_event(event: Mapping[str, object]) -> Response:
    method = read_method(event)
    has_status = event.get("rawPath", "/") in STATUS_PATHS
    if method == "POST":
        body = read_body(event)
        check_signature(event, body, keys=SIGNING_KEYS)
        return make_response(HTTPStatus.OK, answer_request(_parse_json(body), schedule=SCHEDULE))
    if method == "GET" and has_status:
        return make_response(HTTPStatus.OK, {"status": "ok", "version": SCHEDULE.version})
    return _refuse_method(allowed="GET, POST" if has_status else "POST")


def _refuse_method(*, allowed: str) -> Response:
    error = {"error": f"method not allowed; use {allowed}"}
    return make_response(HTTPStatus.METHOD_NOT_ALLOWED, error, headers={"allow": allowed})


def _parse_json(body: bytes) -> object:
    try:
        return json.loads(
            body.decode(),
            parse_int=_parse_integer,
            parse_float=_parse_decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=as_object,
        )
    except RecursionError:
        raise BadRequest("body is nested too deeply") from None
    except ValueError as problem:
        raise BadRequest(f"body is not JSON: {problem}") from None


def _parse_integer(text: str) -> int:
    return int(_check_length(text))


def _parse_decimal(text: str) -> Decimal:
    try:
        return Decimal(_check_length(text))
    except InvalidOperation:
        raise ValueError("a number's exponent is out of range") from None


def _check_length(text: str) -> str:
    if len(text) > NUMBER_LENGTH_LIMIT:
        raise ValueError(f"a number has more than {NUMBER_LENGTH_LIMIT} characters")
    return text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
