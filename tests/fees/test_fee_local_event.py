"""The event that the local Function URL makes of an HTTP request, as AWS would make it."""

import base64
from typing import Any

import pytest

from fees.local_event import build_event


def build_mug_event(*, body: bytes = b"", content_type: str = "application/json") -> dict[str, Any]:
    return build_event(
        method="POST",
        target="/mugs?size=big&size=small",
        protocol="HTTP/1.1",
        headers={"host": "fees.example:8003", "user-agent": "mug-shop", "content-type": content_type},
        body=body,
        source_ip="203.0.113.7",
    )


def test_a_request_for_a_mug_becomes_an_event_of_payload_format_2() -> None:
    event = build_mug_event()
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == (
        "2.0",
        "/mugs",
        "size=big&size=small",
    )
    assert event["headers"]["host"] == event["requestContext"]["domainName"] == "fees.example:8003"
    assert event["requestContext"]["http"] == {
        "method": "POST",
        "path": "/mugs",
        "protocol": "HTTP/1.1",
        "sourceIp": "203.0.113.7",
        "userAgent": "mug-shop",
    }


def test_a_request_without_a_body_has_none_in_its_event() -> None:
    event = build_mug_event()
    assert "body" not in event
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", "text/plain"]
)
def test_a_text_body_is_carried_as_it_is(content_type: str) -> None:
    event = build_mug_event(body="été".encode(), content_type=content_type)
    assert (event["body"], event["isBase64Encoded"]) == ("été", False)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("", b"{}"), ("application/x-www-form-urlencoded", b"{}"), ("application/json", b"\xff")],
)
def test_any_other_body_is_carried_as_base64(content_type: str, body: bytes) -> None:
    event = build_mug_event(body=body, content_type=content_type)
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (body, True)
