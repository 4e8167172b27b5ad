"""`make soak`: buy for an hour during faults, measure the memory, and check that nothing was lost."""

import argparse
import os
import platform
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from stack.processes.supervisor import Supervisor
from stack.servers.private import RealServers
from stack.servers.throw_away import private_servers
from tests.soak.memory import MemoryWatch
from tests.soak.troubles import OF_PROCESSES, OF_SERVERS, Trouble
from tests.support.market import Market
from tests.support.rush import REPORT, Outcome, rush
from tools.revision import describe_commit

NAME = "soak"
BUYERS = 3
READ_EVERY_SECONDS = 5.0
TEMPLATE = Path(__file__).with_name("report.md")


class Soak:
    """A long run with a fault every `every_seconds`."""

    def __init__(self, market: Market, *, minutes: float, every_seconds: float) -> None:
        self.market, self.minutes, self.every_seconds = market, minutes, every_seconds
        self.memory = MemoryWatch(market.stack)
        self.troubles: Counter[str] = Counter()
        self.audit = ""
        self.killed: list[str] = []

    def run(self) -> Outcome:
        """Buy during faults until the time is up, then run the audit."""
        over = threading.Event()
        supervisor = Supervisor(self.market.stack, pauses_seconds=[0.5])
        keeper = threading.Thread(target=supervisor.watch, kwargs={"until": over.is_set})
        keeper.start()
        try:
            with rush(self.market, NAME, buyers=BUYERS):
                self._break_things()
        finally:
            over.set()
            keeper.join()
        self.audit = self.market.manage("listings", "audit").strip().splitlines()[-1]
        self.killed = self.market.stack.stop_all()
        return REPORT[NAME]

    def _break_things(self) -> None:
        began_at = next_at = time.monotonic()
        while (passed := time.monotonic() - began_at) < self.minutes * 60:
            self.memory.read()
            if time.monotonic() >= next_at + self.every_seconds:
                next_at = time.monotonic()
                self._break_something(OF_SERVERS if passed > self.minutes * 30 else OF_SERVERS + OF_PROCESSES)
            time.sleep(READ_EVERY_SECONDS)

    def _break_something(self, troubles: list[Trouble]) -> None:
        trouble = random.choice(troubles)
        name = (trouble.__doc__ or "").rstrip(".")
        print(f"{datetime.now(UTC):%H:%M:%S} {name}", flush=True)
        self.troubles[name] += 1
        trouble(self.market)

    def report(self, outcome: Outcome) -> str:
        """Return the text of docs/soak.md."""
        return Template(TEMPLATE.read_text()).substitute(
            date=datetime.now(UTC).date().isoformat(),
            commit=describe_commit(),
            machine=f"{os.cpu_count()} cores, Python {platform.python_version()}",
            minutes=f"{self.minutes:g}",
            buyers=BUYERS,
            every=f"{self.every_seconds:g}",
            purchases=f"{outcome.purchases:,}",
            lost=outcome.lost,
            doubled=outcome.doubled,
            slowest=f"{outcome.slowest_seconds:.1f}",
            audit=self.audit,
            killed=", ".join(self.killed) or "none",
            troubles=", ".join(f"{name} ({count})" for name, count in self.troubles.most_common()),
            errors=", ".join(f"{count} {error}" for error, count in outcome.errors.most_common())
            or "nothing",
            rows="\n".join(
                f"| {life.name} | {count} | {life.seconds / 60:.0f} | {life.warm_mib:.0f} |"
                f" {life.highest_mib:.0f} | {life.last_mib:.0f} |"
                for life, count in self.memory.longest()
            ),
        )


def main() -> int:
    """Return 1 if a process had to be killed; raises on a lost purchase or a disagreement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=20, metavar="SECONDS", help="between two troubles")
    parser.add_argument("--report", type=Path, help="where to write what came of it")
    arguments = parser.parse_args()
    with private_servers() as services, tempfile.TemporaryDirectory() as folder:
        assert isinstance(services, RealServers)
        market = Market(services, Path(folder))
        try:
            market.open()
            soak = Soak(market, minutes=arguments.minutes, every_seconds=arguments.every)
            text = soak.report(soak.run())
        finally:
            market.close()
    print(text)
    if arguments.report:
        arguments.report.write_text(text)
    return 1 if soak.killed else 0


if __name__ == "__main__":
    sys.exit(main())
