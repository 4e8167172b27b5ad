"""A process listens once for all its sockets, and forgets nothing while nobody listens."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from uuid_utils.compat import uuid7

from listings.live import events
from listings.models import LiveEvent
from listings.websockets.hub import Hub
from tests.support.browser import running_loop

pytestmark = pytest.mark.django_db(transaction=True)


class Ear:
    """A socket that only listens."""

    def enqueue(self, text: str) -> None:
        """Nobody reads it."""


def run(work: Coroutine[Any, Any, None]) -> None:
    async def run_and_tidy_up() -> None:
        try:
            await work
        finally:
            for task in tasks_of_hubs():
                task.cancel()
            await sync_to_async(connections.close_all)()

    with running_loop() as loop:
        asyncio.run_coroutine_threadsafe(run_and_tidy_up(), loop).result(30)


def tasks_of_hubs() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if "Hub." in repr(task.get_coro())]


def test_two_browsers_that_come_at_once_are_one_hub() -> None:
    async def come_at_once() -> None:
        process, ears = Hub(), (Ear(), Ear())
        await asyncio.gather(*map(process.join, ears))
        assert len(tasks_of_hubs()) == 2  # one listens, one looks
        for ear in ears:
            await process.leave(ear)
        assert tasks_of_hubs() == []

    run(come_at_once())


def test_a_hub_that_slept_often_does_not_tell_old_sales_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "RECENT_EVENTS", 10)
    LiveEvent.objects.bulk_create(
        LiveEvent(type="item_sold", order_id=uuid7(), listing_id=1, payload={}) for _ in range(10)
    )

    async def sleep_and_wake() -> None:
        process = Hub()
        for _ in range(3):
            ear = Ear()
            await process.join(ear)
            await process.leave(ear)
        assert await sync_to_async(process._find_missed)() == []

    run(sleep_and_wake())
