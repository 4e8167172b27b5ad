"""A new version is rolled out while people buy: docs/operations.md, Deploying."""

import signal

from stack.waiting import wait_until
from tests.support.market import Market
from tests.support.rush import rush

WEB = {"listings-api": 2, "transactions-api": 2, "listings-live": 1}  # its worker processes


def test_a_rolling_restart_of_every_process(market: Market) -> None:
    with rush(market, "rolling restart of every process, the APIs by HUP") as hour:
        for process in market.stack.commands:
            if process in WEB:
                replace_workers(market, process)
            else:
                assert market.stack.stop(process), f"{process} had to be killed"
                market.stack.start(process)
                market.stack.wait_ready(process)
            hour.wait_for_purchases(5)
    refused = [error for error in hour.errors if error.startswith("5") or error == "ConnectionRefusedError"]
    assert not refused, dict(hour.errors)


def replace_workers(market: Market, process: str) -> None:
    """Each worker process has a successor that listens before it finishes its requests and ends."""
    before = market.stack[process].family()
    market.stack.signal(process, signal.SIGHUP)
    replaced = wait_until(
        lambda: not set(before[1:]) & set(market.stack[process].family()), timeout_seconds=60
    )
    assert replaced, market.stack[process].tail_log()
    assert market.stack.pid(process) == before[0]
    assert wait_until(lambda: len(market.stack[process].family()) >= 1 + WEB[process], timeout_seconds=30)
