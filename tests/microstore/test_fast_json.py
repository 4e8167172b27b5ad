"""Messages mean the same to our JSON and to kombu's, with which stock clients read and write."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from kombu.serialization import registry
from kombu.utils import json as kombu_json

from microstore.celery import app
from microstore.messaging.fast_json import dumps, loads

VALUES = [
    [
        [{"order_id": "01a20420", "cents": 2500, "share": 0.1, "gift": None, "title": "Größe 38, 椅子 🪑"}],
        {},
        {},
    ],
    ["half a pair: \ud83d"],
    [float("inf"), -0.0, 10**30, "", "\0\n\u2028"],
]


@pytest.mark.parametrize("value", VALUES)
def test_what_one_writes_the_other_reads(value: Any) -> None:
    assert kombu_json.loads(dumps(value)) == value
    assert loads(kombu_json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "value",
    [UUID(int=7), datetime(2026, 11, 29, tzinfo=UTC), Decimal("1.50"), b"bytes", {"__type__": "unknown"}],
)
def test_types_of_stock_clients_are_read_as_kombu_reads_them(value: Any) -> None:
    written = kombu_json.dumps([value]).encode()
    assert loads(written) == kombu_json.loads(written)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[1,]", b"1" * 5_000, b"[" * 100_000])
def test_what_kombu_does_not_read_is_an_error(text: bytes) -> None:
    for read in (kombu_json.loads, loads):
        with pytest.raises((ValueError, RecursionError)):
            read(text)


@pytest.mark.parametrize("as_read", [str, str.encode, lambda text: memoryview(text.encode())])
def test_text_and_bytes_are_read_fast(as_read: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """py-amqp gives text, other ways give bytes: what each gives is read without kombu."""
    monkeypatch.delattr(kombu_json, "loads")
    assert loads(as_read('{"title": "Größe 38"}')) == {"title": "Größe 38"}


def test_celery_writes_and_reads_by_it() -> None:
    assert app.conf.task_serializer == "json"
    kind, encoding, body = registry.dumps([{"a": 1}], "json")
    assert (kind, encoding, body) == ("application/json", "utf-8", b'[{"a":1}]')
    assert registry.loads(body, kind, encoding) == [{"a": 1}]
