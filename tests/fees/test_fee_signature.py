"""A function that was given a key answers signed requests alone."""

import json
from collections.abc import Sequence

import pytest

from fees import handler as fee_handler
from fees.local_event import build_event
from fees.signature import NotSigned, check_signature, load_signing_keys, sign

NOW = 1_700_000_000
KEY, OLD_KEY = b"crunchy-key", b"older-key"
BODY = b'{"price": 10.0}'


def event(timestamp: str, signature: str) -> dict[str, object]:
    return {"headers": {"x-fees-timestamp": timestamp, "x-fees-signature": signature}}


def check(told: dict[str, object], *, body: bytes = BODY, keys: Sequence[bytes] = (KEY, OLD_KEY)) -> None:
    check_signature(told, body, keys=keys, now=lambda: NOW)


@pytest.mark.parametrize("key", [KEY, OLD_KEY])
@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_what_is_signed_lately_is_answered(key: bytes, seconds: int) -> None:
    timestamp = str(NOW + seconds)
    check(event(timestamp, sign(BODY, key=key, timestamp=timestamp)))


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"headers": None},
        event("", ""),
        event(str(NOW), ""),
        event(str(NOW), "schlüssel"),
        event(str(NOW), sign(BODY, key=b"a guess", timestamp=str(NOW))),
        event(str(NOW), sign(b"{}", key=KEY, timestamp=str(NOW))),
        event(str(NOW), sign(BODY, key=KEY, timestamp=str(NOW - 1))),
        event(str(NOW - 301), sign(BODY, key=KEY, timestamp=str(NOW - 301))),
        event(str(NOW + 301), sign(BODY, key=KEY, timestamp=str(NOW + 301))),
        event("9" * 5000, "x"),
        event("-1", "x"),
    ],
)
def test_anything_else_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(NotSigned):
        check(told)
    check(told, keys=())  # no key, no lock


def test_keys_are_read_from_the_environment() -> None:
    assert load_signing_keys({}) == load_signing_keys({"FEES_SIGNING_KEY": " , "}) == []
    assert load_signing_keys({"FEES_SIGNING_KEY": "new, old"}) == [b"new", b"old"]


def test_the_handler_refuses_the_unsigned_and_still_tells_its_health(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fee_handler, "SIGNING_KEYS", [KEY])

    def ask(method: str) -> int:
        told = build_event(
            method=method, target="/", protocol="HTTP/1.1", headers={}, body=BODY, source_ip="127.0.0.1"
        )
        response = fee_handler.handler(told, None)
        assert isinstance(json.loads(response["body"]), dict)
        return response["statusCode"]

    assert ask("POST") == 401
    assert ask("GET") == 200
