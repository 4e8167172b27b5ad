"""Metrics of the calls to the fee function; one call is one batch."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from microstore.metrics import Counter, Histogram

SECONDS = Histogram(
    "microstore_fee_call_seconds",
    "Seconds that calls to the fee function took, by outcome: `answered` or `failed`.",
    ["outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
for outcome in ("answered", "failed"):
    SECONDS.labels(outcome)  # at 0, so that the first failure is seen as a change
SPARED = Counter("microstore_fee_calls_spared_total", "Calls not made because the circuit was open.")


@contextmanager
def fee_call() -> Iterator[None]:
    """Time a call and record its outcome."""
    began, outcome = time.perf_counter(), "failed"
    try:
        yield
        outcome = "answered"
    finally:
        SECONDS.labels(outcome).observe(time.perf_counter() - began)
