"""Counters and histograms of messages, updated once a batch so that a message in it costs next to nothing."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from microstore.messaging.project import registry
from microstore.messaging.sending.publisher import Batch
from microstore.metrics import Counter, Histogram

SIZES = (1, 2, 5, 10, 20, 50, 100, 200)

PUBLISHED = Counter(
    "microstore_published_messages_total", "Messages that the broker has confirmed to a relay.", ["contract"]
)
REFUSED = Counter(
    "microstore_refused_messages_total", "Messages that the broker has refused from a relay.", ["contract"]
)
PUBLISHED_BATCH = Histogram(
    "microstore_published_batch_messages", "Messages in one Celery message of a relay.", buckets=SIZES
)
CONFIRM_SECONDS = Histogram(
    "microstore_confirm_seconds",
    "From the first publish of a relay's round to its last confirm.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
PAUSES = Counter("microstore_relay_pauses_total", "How often a relay could not reach its broker or database.")

HANDLED = Counter("microstore_handled_messages_total", "Messages handled without an error.", ["contract"])
RETRIED = Counter(
    "microstore_retried_messages_total",
    "Messages sent again for later, because of an `outage` or a `failure`.",
    ["contract", "why"],
)
DEAD_LETTERED = Counter(
    "microstore_dead_lettered_messages_total", "Messages that became dead letters, each time.", ["contract"]
)
ARRIVED_BATCH = Histogram(
    "microstore_batch_messages", "Messages in a batch that arrived.", ["contract"], buckets=SIZES
)
HANDLING_SECONDS = Histogram(
    "microstore_handling_seconds",
    "How long a batch was worked on.",
    ["contract"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)


def start_at_zero() -> None:
    """Expose the counters of every contract from 0: `rate` sees no increase where a series begins at 1."""
    for name in registry().contracts:
        for counter in (PUBLISHED, REFUSED, HANDLED, DEAD_LETTERED):
            counter.labels(name)
        for why in ("outage", "failure"):
            RETRIED.labels(name, why)
    DEAD_LETTERED.labels("unknown")


def count_dead_letter(contract: str) -> None:
    """Count a dead letter by its contract or task name.

    Names that no contract has come from other processes, and would make a series each: they are `unknown`.
    """
    known = registry().find(contract)
    DEAD_LETTERED.labels(known.name if known else "unknown").inc()


@contextmanager
def confirming(batches: Iterable[Batch]) -> Iterator[None]:
    """Time the publishing of a relay, and count the messages that the broker confirmed and refused."""
    began = time.perf_counter()
    yield
    CONFIRM_SECONDS.observe(time.perf_counter() - began)
    for batch in batches:
        count = REFUSED if batch.refusals else PUBLISHED
        count.labels(batch.contract.name).inc(len(batch.payloads))
        PUBLISHED_BATCH.observe(len(batch.payloads))


@contextmanager
def handling(contract: str, messages: int) -> Iterator[None]:
    """Time the handling of a batch, whether it ends well or with an error."""
    ARRIVED_BATCH.labels(contract).observe(messages)
    with HANDLING_SECONDS.labels(contract).time():
        yield
