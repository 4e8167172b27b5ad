"""Prometheus metrics of sales and of the live feed."""

from collections.abc import Iterable
from datetime import timedelta

from microstore.metrics import Counter, Gauge, Histogram

TIME_TO_TRUTH_SECONDS = Histogram(
    "microstore_time_to_truth_seconds",
    "From an order's acceptance to its completion.",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
CONNECTIONS = Gauge(
    "microstore_websocket_connections", "Browsers that listen now.", multiprocess_mode="livesum"
)
PUSHED = Counter("microstore_websocket_events_pushed_total", "Live events handed to browsers, one for each.")
DROPPED = Counter("microstore_websocket_dropped_total", "Browsers given up because they were too slow.")
PUSHES_FAILED = Counter(
    "microstore_live_events_unpushed_total",
    "Live events that did not reach the channel layer; browsers get them from the table, seconds later.",
)
QUOTES = Counter(
    "microstore_quote_calls_total",
    "Calls of the fee function for quotes: `answered`, `failed`, or `spared` while its circuit is open.",
    ["outcome"],
)
for outcome in ("answered", "failed", "spared"):
    QUOTES.labels(outcome)  # at 0, so that the first failure is seen as a change
WEBHOOK_ATTEMPTS = Counter(
    "microstore_webhook_attempts_total",
    "Attempts to deliver a webhook: `delivered`, `refused` by a status, or `unanswered`.",
    ["outcome"],
)
for outcome in ("delivered", "refused", "unanswered"):
    WEBHOOK_ATTEMPTS.labels(outcome)


def observe_time_to_truth(waited: Iterable[timedelta]) -> None:
    """Observe the time from acceptance to completion of orders that have just completed."""
    for time in waited:
        TIME_TO_TRUTH_SECONDS.observe(time.total_seconds())
