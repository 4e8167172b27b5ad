"""Types of events that webhooks have, and their bodies: ids alone, by which receivers read the rest."""

import json
from typing import Any

from microstore.contracts.contract import Message
from microstore.contracts.webhooks import SUBSCRIBED_FACTS

PING = "ping"
EVENT_TYPES = tuple(sorted(str(fact.fact) for fact in SUBSCRIBED_FACTS))
IDS = ("order_id", "listing_id", "refund_id", "checkout_id", "payout_id")


def body_of(event_type: str, fact: Message) -> str:
    """Return the event of a fact as JSON."""
    ids = {name: str(value) for name in IDS if (value := getattr(fact, name, None)) is not None}
    return make_body(event_type, fact.occurred_at.isoformat(), ids)


def make_body(event_type: str, timestamp: str, data: dict[str, Any]) -> str:
    """Return an event as JSON, with the members that Standard Webhooks recommends."""
    return json.dumps({"type": event_type, "timestamp": timestamp, "data": data}, separators=(",", ":"))
