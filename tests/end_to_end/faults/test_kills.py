"""Processes are killed under load, many times over, and restarted at once as by any supervisor."""

import os
import random
import signal
import time
from collections import Counter
from functools import partial

from stack.processes.daemon import Daemon
from stack.processes.supervisor import Supervisor
from stack.waiting import wait_until
from tests.support.market import Market
from tests.support.rush import rush

TIMES = 5
PROCESSES = [
    "listings-api",
    "listings-relay",
    "listings-worker",
    "transactions-worker",
    "listings-live",
    "fees",
]


def test_processes_killed_at_random_moments_many_times_over_lose_nothing(market: Market) -> None:
    """A process may be killed while another one is still starting."""
    killed: Counter[str] = Counter()
    with rush(market, f"kill -9 of {', '.join(PROCESSES)}, {TIMES} times each at random moments") as hour:
        supervisor = Supervisor(market.stack, say=lambda _: None, pauses_seconds=[0.1])

        def kill_some_more() -> bool:
            running = [name for name in PROCESSES if killed[name] < TIMES and market.stack.pid(name)]
            if running:
                time.sleep(random.uniform(0, 1))  # the random moment is the test
                market.stack.kill(name := random.choice(running))
                killed[name] += 1
            return sum(killed.values()) == TIMES * len(PROCESSES)

        supervisor.watch(until=kill_some_more)
        supervisor.watch(until=lambda: all(map(market.stack.pid, market.stack.commands)))
        for process in PROCESSES:
            market.stack.wait_ready(process)
        hour.wait_for_purchases(10)


def is_replaced(worker: Daemon, killed: int, size: int) -> bool:
    """Whether another child has taken the place of the killed one, which /proc lists for a moment longer."""
    family = worker.family()
    return killed not in family and len(family) == size


def test_a_killed_child_of_a_worker_loses_nothing(market: Market) -> None:
    with rush(market, f"kill -9 of a child of transactions-worker, {TIMES} times") as hour:
        worker = market.stack["transactions-worker"]
        size = len(worker.family())
        for _ in range(TIMES):
            main, *children = worker.family()
            os.kill(killed := random.choice(children), signal.SIGKILL)
            assert wait_until(partial(is_replaced, worker, killed, size), timeout_seconds=30)
            assert market.stack.pid("transactions-worker") == main
            hour.wait_for_purchases(5)
