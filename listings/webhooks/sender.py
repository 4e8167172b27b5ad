"""The sender: claims due deliveries and has them sent by threads, which use no database.

A claim is a lease and no lock, since a call may take 15 s. Whatever a sender that dies had claimed is claimed
again when the lease ends, so an endpoint receives each event at least once. Any number of senders work beside
each other.
"""

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog
from django.conf import settings
from django.db import Error as DatabaseError

from listings.metrics import WEBHOOK_ATTEMPTS
from listings.webhooks.claim import claim
from listings.webhooks.post import Claimed, Outcome, attempt
from listings.webhooks.record import record
from microstore.database.outage import drop_connection
from microstore.telemetry.heartbeat import beat

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
BUSY_SECONDS = 0.05  # while calls are under way: the answers of a moment are recorded together
PAUSE_SECONDS = 2.0  # after a failure of the database


class Sender:
    """A sender of webhooks; `stopping` ends it once the calls under way are recorded."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._pool = ThreadPoolExecutor(settings.WEBHOOK_CONCURRENCY, thread_name_prefix="webhook")
        self.calls: dict[Future[Outcome], Claimed] = {}

    def run(self) -> None:
        """Send until `stopping` is set."""
        while not self.stopping.is_set():
            try:
                self.step()
            except DatabaseError as error:
                log.warning("webhooks_paused", error=repr(error))
                drop_connection()
                self.stopping.wait(PAUSE_SECONDS)
        self.finish()

    def step(self) -> None:
        """Claim as many deliveries as there are free threads, and record what has been answered."""
        room = settings.WEBHOOK_CONCURRENCY - len(self.calls)
        for claimed in claim(room) if room else []:
            self.calls[self._pool.submit(attempt, claimed)] = claimed
        beat()
        if not self.calls:
            self.stopping.wait(POLL_SECONDS)
            return
        wait(self.calls, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        self.stopping.wait(BUSY_SECONDS)
        self._record_answered()

    def finish(self) -> None:
        """Wait for the calls under way and record them."""
        wait(self.calls)
        self._pool.shutdown()
        try:
            self._record_answered()
        except DatabaseError as error:
            log.warning("webhooks_not_recorded", error=repr(error))

    def _record_answered(self) -> None:
        answered = {call: claimed for call, claimed in self.calls.items() if call.done()}
        if not answered:
            return
        record((claimed, call.result()) for call, claimed in answered.items())
        # Not before: where the database has failed they are recorded in the next step.
        for call in answered:
            del self.calls[call]
            WEBHOOK_ATTEMPTS.labels(call.result().kind).inc()
