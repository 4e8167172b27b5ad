"""A message whose callback the broker does not take goes back to its queue, after a while."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kombu.asynchronous import Hub, set_event_loop
from kombu.exceptions import OperationalError
from kombu.message import Message

from microstore.celery import app
from microstore.messaging.receiving.celery_worker import Request, hold_seconds
from stack.waiting import wait_until

NAME = "celery.ping"


def request(on_reject: Callable[..., None], **headers: Any) -> Request:
    """A request as Celery makes one of a message."""
    written = {"content_type": "application/json", "content_encoding": "utf-8"}
    message = Message(b"[[], {}, {}]", headers={"task": NAME, "id": "7", **headers}, **written)
    task = SimpleNamespace(name=NAME, typing=False, ignore_result=True)
    return Request(message, app=app, task=task, on_reject=on_reject, connection_errors=())


@pytest.mark.timeout(30)
def test_a_message_goes_back_after_it_has_been_held() -> None:
    """Twenty deliveries within a minute made a dead letter of it, though nothing is wrong with it."""
    back: list[bool] = []
    hub = Hub()
    set_event_loop(hub)
    try:
        refused = OperationalError("refused by the broker")
        request(lambda *rejected: back.append(rejected[-1])).on_failure(SimpleNamespace(exception=refused))
        assert back == []

        def is_back() -> bool:
            hub.fire_timers()
            return bool(back)

        assert wait_until(is_back, timeout_seconds=20)
    finally:
        set_event_loop(None)
        hub.close()
    assert back == [True]


def test_it_is_held_longer_each_time() -> None:
    counts = [None, 1, 5, 19, 2**62, "often", -1, True]
    held = [hold_seconds({} if count is None else {"x-delivery-count": count}) for count in counts]
    assert held == [1, 2, 32, 64, 64, 1, 1, 1]
