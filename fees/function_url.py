"""AWS Lambda Function URL requests and responses, payload format 2.0.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

import base64
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TypedDict

BODY_BYTES_LIMIT = 1024 * 1024


class Response(TypedDict):
    """A response as the handler returns it to Lambda."""

    statusCode: int
    headers: dict[str, str]
    body: str


class BadRequest(Exception):
    """The request cannot be answered; the message is for the caller."""

    status = HTTPStatus.BAD_REQUEST


class BodyTooLarge(BadRequest):
    """The body is longer than BODY_BYTES_LIMIT."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def make_response(
    status: HTTPStatus, content: Mapping[str, object], *, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response with JSON content."""
    return {
        "statusCode": status.value,
        "headers": {"content-type": "application/json", **(headers or {})},
        "body": json.dumps(content, separators=(",", ":"), allow_nan=False),
    }


def read_event(event: object) -> Mapping[str, object]:
    """Return the event; raise BadRequest for what is no JSON object."""
    if not isinstance(event, dict):
        raise BadRequest("not a Function URL event: it must be a JSON object")
    return event


def read_method(event: Mapping[str, object]) -> str:
    """Return the HTTP method; raise BadRequest for what is no Function URL event."""
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    method = http.get("method") if isinstance(http, dict) else None
    if not isinstance(method, str):
        raise BadRequest(
            "not a Function URL event of payload format 2.0: requestContext.http.method is missing"
        )
    return method


def read_body(event: Mapping[str, object]) -> bytes:
    """Return the body as it was sent; raise BadRequest, or BodyTooLarge above BODY_BYTES_LIMIT."""
    body = event.get("body") or ""
    if not isinstance(body, str):
        raise BadRequest("body must be text")
    # `surrogatepass`, so that text which is no Unicode is refused where base64 is: when it is decoded.
    content = _decode_base64(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")
    if len(content) > BODY_BYTES_LIMIT:
        raise BodyTooLarge(f"body must be at most {BODY_BYTES_LIMIT} bytes")
    return content


def _decode_base64(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise BadRequest("body is not base64, though isBase64Encoded says so") from None
