"""Frames of the WebSockets are as they are described, and show nothing that is not."""

import json
from pathlib import Path
from typing import get_args
from uuid import uuid4

import pytest

from listings.live.frames import FEEDS, OrderEvent
from listings.live.push import to_clients, unpack
from listings.models import LiveEvent
from listings.orders.serializers import OrderSerializer
from microstore.contracts.feed import Feed
from microstore.contracts.samples import read_frames, releases

RELEASES = Path(__file__).parents[2] / "microstore/contracts/releases"


def test_an_orders_frame_has_the_fields_of_the_api() -> None:
    assert list(OrderEvent.model_fields) == ["type", "seq", *OrderSerializer().fields]


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_the_frames_of_each_release_are_frames_of_this_one(feed: Feed) -> None:
    by_type = {
        kind: model for model in feed.frames for kind in get_args(model.model_fields["type"].annotation)
    }
    for release in releases(RELEASES):
        sent = [json.loads(frame.text) for frame in read_frames(release) if frame.address == feed.address]
        assert {"batch", "heartbeat"} <= {content["type"] for content in sent}
        for content in sent:
            read = by_type[content["type"]].model_validate(content).model_dump(mode="json")
            for old, new in zip(unpack(content), unpack(read), strict=True):
                assert old.items() <= new.items()


def test_what_a_stored_event_has_beside_its_fields_is_not_shown() -> None:
    order_id = uuid4()
    payload = {"order_id": str(order_id), "listing_id": 3, "quantity": 2, "available": 1, "trace_id": "0af7"}
    event = LiveEvent(seq=17, type="item_sold", order_id=order_id, listing_id=3, payload=payload)
    shown = payload | {"type": "item_sold", "seq": 17}
    del shown["trace_id"]
    assert to_clients([event]) == [shown]
