"""A rollout of workers that cannot consume stops by itself: the probes of deploy/kubernetes, run by hand."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.processes.stack import Stack
from stack.waiting import wait_until
from tests.support.manifests import container_of
from tests.support.market import Market
from tests.support.ports import closed_port
from tests.support.rush import rush

WORKER = "transactions-worker"
BEATS_AT = "/tmp/heartbeat"


class Release:
    """One more worker, with changed variables, and the probes that the kubelet would run in its container."""

    def __init__(self, market: Market, folder: Path, **changed: str) -> None:
        self.heartbeat = folder / "heartbeat"
        environment = {**market.stack.environment, **changed, "HEARTBEAT_FILE": str(self.heartbeat)}
        self.stack = Stack({WORKER: market.stack.commands[WORKER]}, environment=environment, folder=folder)

    def passes(self, probe: str) -> bool:
        """Run the command of a probe on this process's heartbeat."""
        command = container_of(WORKER)[probe]["exec"]["command"]
        here = [word.replace(BEATS_AT, str(self.heartbeat)) for word in command]
        return subprocess.run(here, check=False).returncode == 0

    def is_refused(self) -> bool:
        """Return whether it has logged that it gets no connection."""
        log = self.stack.log(WORKER)
        return "Cannot connect" in log or "ACCESS_REFUSED" in log


@pytest.fixture
def releases(market: Market, tmp_path: Path) -> Iterator[dict[str, Release]]:
    """A good one, one with a wrong password and one with a wrong port, started together."""
    url = market.settings["TRANSACTIONS_BROKER_URL"]
    with closed_port() as port:
        wrong = {
            "good": url,
            "refused": url.replace(market.services.rabbitmq.password, "yesterdays"),
            "alone": url.replace(f":{market.services.rabbitmq.port}/", f":{port}/"),
        }
        made = {
            name: Release(market, tmp_path / name, TRANSACTIONS_BROKER_URL=address)
            for name, address in wrong.items()
        }
        try:
            for release in made.values():
                release.stack.start(WORKER)
            yield made
        finally:
            for release in made.values():
                release.stack.stop_all()


def test_workers_that_cannot_consume_do_not_replace_those_that_can(
    market: Market, releases: dict[str, Release]
) -> None:
    good, *bad = releases.values()
    with rush(market, "rollout of workers that cannot consume: they do not get ready") as hour:
        assert wait_until(lambda: good.passes("readinessProbe"), timeout_seconds=90)
        for release in bad:
            assert wait_until(release.is_refused, timeout_seconds=90)
            assert not release.passes("readinessProbe")
        hour.wait_for_purchases(20)
