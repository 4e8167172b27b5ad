"""A message that cannot be handled ends in the dead letters, and the next one is handled."""

import json
import uuid
from typing import Any

import pytest
from kombu import Connection, Producer

from stack.waiting import wait_until
from tests.support.market import Market, Person

TASK = "transactions.order_created"


def headers(**changes: Any) -> dict[str, Any]:
    """A Celery message's headers, but for the changes."""
    return {"task": TASK, "id": str(uuid.uuid4()), "lang": "py", **changes}


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        pytest.param(b"\xff\xfe", {}, id="not text"),
        pytest.param(b"this is no JSON", {}, id="not JSON"),
        pytest.param(b"5", {}, id="a number"),
        pytest.param(b"[[], {}, {}]", {"task": "listings.unheard_of"}, id="unknown task"),
        pytest.param(b"[[], {}, {}]", {"id": None}, id="no id"),
        pytest.param(b'[["armchair"], {}, {}]', {}, id="no list of events"),
        pytest.param(b'[[[{"order_id": "armchair"}]], {}, {}]', {}, id="an invalid event"),
    ],
)
def test_an_invalid_message_is_kept_and_the_next_one_is_handled(
    market: Market, seller: Person, buyer: Person, body: bytes, changes: dict[str, Any]
) -> None:
    worker = market.stack.pid("transactions-worker")
    count = "SELECT count(*) FROM messaging_deadletter"
    [(before,)] = market.transactions(count)
    marked = body if not body.startswith(b"[[[") else json.dumps(_with_event_id(json.loads(body))).encode()
    publish(market, marked, headers(**changes))
    order = buyer.buy(seller.sell("Reading lamp that sees you")).json()["id"]
    assert market.wait_settled([order]) == {"completed": 1}
    assert wait_until(lambda: market.transactions(count)[0][0] == before + 1, timeout_seconds=20)
    assert market.stack.pid("transactions-worker") == worker


def _with_event_id(body: Any) -> Any:
    """Told apart from the same event of an earlier run, which is the same letter."""
    body[0][0][0]["event_id"] = str(uuid.uuid4())
    return body


def publish(market: Market, body: bytes, message_headers: dict[str, Any]) -> None:
    """Put a message straight on the transactions service's queue."""
    confirmed = {"confirm_publish": True}
    with Connection(market.services.rabbitmq.url, transport_options=confirmed) as broker:
        Producer(broker.default_channel, auto_declare=False).publish(
            body,
            exchange="microstore.tasks",
            routing_key="task.transactions",
            headers=message_headers,
            content_type="application/json",
            content_encoding="utf-8",
        )
