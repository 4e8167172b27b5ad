"""A new version is rolled out while people buy: docs/how-to/deploy.md."""

from stack.processes.stack import Stack
from stack.waiting import wait_until
from tests.support.market import Market
from tests.support.rush import rush

WEB = ["listings-api", "listings-live", "transactions-api"]


def test_a_rolling_restart_of_every_process(market: Market) -> None:
    with rush(market, "rolling restart of every process, servers overlapping on their port") as hour:
        for process in WEB:
            replace(market, process)
            hour.wait_for_purchases(5)
        for process in set(market.stack.commands) - set(WEB):
            assert market.stack.stop(process), f"{process} had to be killed"
            market.stack.start(process)
            market.stack.wait_ready(process)
            hour.wait_for_purchases(5)
    assert not [error for error in hour.errors if error.startswith("5")], dict(hour.errors)
    # An idle connection may be closed just as its client sends again, but the port is always open.
    assert not hour.errors["ConnectionRefusedError"], dict(hour.errors)


def replace(market: Market, process: str) -> None:
    """Start a successor on the same port before the old server is stopped; then the same the other way."""
    successor = Stack(
        {process: market.stack.commands[process]},
        environment=market.stack.environment,
        folder=market.stack.logs.parent / "successor",
    )
    try:
        successor.start(process)
        wait_serving(successor, process)
        assert market.stack.stop(process), f"{process} had to be killed"
        market.stack.start(process)
        wait_serving(market.stack, process)
        assert successor.stop(process), f"{process} had to be killed"
    finally:
        successor.stop_all()


def wait_serving(stack: Stack, process: str) -> None:
    """Wait until each of its workers serves; a request to the port may be answered by the other server."""

    def serves() -> bool:
        log = stack[process].read_log_since_start()
        return 0 < log.count("Spawning worker-") == log.count("Started worker-")

    assert wait_until(serves, timeout_seconds=60), stack[process].tail_log()
