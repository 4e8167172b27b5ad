"""Commands that run one round of work, or go on until SIGTERM."""

import threading
from collections.abc import Iterator
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error

from microstore.database.outage import drop_connection
from microstore.environment import read_interval
from microstore.messaging.shutdown import set_on_signals
from microstore.metrics.exposition import expose
from microstore.telemetry.heartbeat import beat

log = structlog.get_logger(__name__)


class RoundsCommand(BaseCommand):
    """Run one round, or one every given number of seconds; several may run at the same time."""

    name: str
    requires_system_checks = ()  # they would import every page

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stopping = threading.Event()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=read_interval, metavar="SECONDS", help="go on until SIGTERM")

    def run(self, every: float | None) -> None:
        """Write the result of one round, or log those of a round every so many seconds."""
        if every is None:
            self.stdout.write(self.do_round())
            return
        set_on_signals(self.stopping)
        expose()
        log.info("rounds started", command=self.name, every_seconds=every)
        while not self.stopping.is_set():
            self._try_round()
            self.stopping.wait(every)
        log.info("rounds stopped", command=self.name)

    def _try_round(self) -> None:
        try:
            log.info("round_done", command=self.name, result=self.do_round())
            beat()
        except (Error, OSError) as error:  # of the database or a folder; the next round continues
            log.warning("round_failed", command=self.name, error=repr(error))
            # Django keeps a broken connection outside of a transaction: every later round would fail by it.
            drop_connection()

    def do_round(self) -> str:
        """Run a round and return its result as a sentence."""
        raise NotImplementedError

    def run_steps(self, steps: Iterator[int]) -> int:
        """Run the steps and return the sum of their counts."""
        total = 0
        for count in steps:
            total += count
            # Each step has committed: after SIGTERM the rest is left to the next round.
            if self.stopping.is_set():
                break
        return total
