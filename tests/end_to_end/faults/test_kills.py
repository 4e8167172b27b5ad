"""Processes are killed under load, many times over."""

import os
import random
import signal
import time

import pytest

from stack.waiting import wait_until
from tests.support.market import Market
from tests.support.rush import rush

PROCESSES = [
    "listings-api",
    "listings-relay",
    "listings-worker",
    "transactions-worker",
    "listings-live",
    "fees",
]


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_killed_again_and_again_loses_nothing(market: Market, process: str) -> None:
    with rush(market, f"kill -9 of {process}, twice") as hour:
        for _ in range(2):
            time.sleep(random.uniform(0, 0.5))  # the random moment is the test
            market.stack.kill(process)
            market.stack.start(process)
            market.stack.wait_ready(process)
            hour.wait_for_purchases(5)


def test_a_killed_child_of_a_worker_loses_nothing(market: Market) -> None:
    with rush(market, "kill -9 of a child of transactions-worker, three times") as hour:
        worker = market.stack["transactions-worker"]
        size = len(worker.family())
        for _ in range(3):
            main, *children = worker.family()
            os.kill(random.choice(children), signal.SIGKILL)
            assert wait_until(lambda: len(worker.family()) == size, timeout_seconds=30)
            assert market.stack.pid("transactions-worker") == main
            hour.wait_for_purchases(5)
