"""A process ends on SIGTERM, whatever it is working on."""

import signal
from pathlib import Path

from kombu import Connection, Queue

from stack.processes.daemon import Daemon
from stack.processes.process_table import signal_processes
from stack.waiting import wait_until
from tests.support.market import Market, Person

LONG_BEFORE_CELERY_GIVES_UP_SECONDS = 20  # a child waits for 30 until its result is read


def test_a_worker_ends_though_its_child_has_not_yet_accepted_its_task(
    market: Market, seller: Person, buyer: Person
) -> None:
    """The children are stopped from before the task arrives until their parent has stopped consuming."""
    market.stack.stop("transactions-worker")  # one that has lost its broker before would not have that thread
    market.repair()
    listing, worker = seller.sell(), market.stack["transactions-worker"]
    _, *children = worker.family()
    threads = threads_of(worker)
    signal_processes(children, signal.SIGSTOP)
    try:
        order = buyer.buy(listing).json()["id"]
        assert wait_until(lambda: has_taken_all(market, "transactions"), timeout_seconds=30)
        worker.send_signal(signal.SIGTERM)
        # Celery waits for its children with a thread of its own beside.
        assert wait_until(lambda: bool(threads_of(worker) - threads), timeout_seconds=30)
    finally:
        signal_processes(children, signal.SIGCONT)
    assert wait_until(lambda: worker.pid is None, timeout_seconds=LONG_BEFORE_CELERY_GIVES_UP_SECONDS)
    market.repair()
    assert market.wait_settled([order]) == {"completed": 1}


def has_taken_all(market: Market, queue: str) -> bool:
    """Whether every message is published and with a worker."""
    outbox = market.listings("SELECT count(*) FROM messaging_outboxmessage")
    with Connection(market.services.rabbitmq.url) as broker:
        declared = Queue(queue)(broker.default_channel).queue_declare(passive=True)
    return outbox == [(0,)] and declared.message_count == 0


def threads_of(process: Daemon) -> set[str]:
    """Of the main process alone."""
    return {thread.name for thread in Path(f"/proc/{process.pid}/task").iterdir()}
