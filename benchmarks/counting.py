"""`python -m benchmarks.counting`: the CPU time of the metrics for a purchase, over all processes.

Needs DEBUG=1 and MICROSTORE_SERVICE=listings; with METRICS_FOLDER the values are in files, as in production.
"""

import os
import sys
import time
import timeit
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import django

SIZES = (1, 50)  # messages in a batch: without load, and under it
TIMES = 2_000


def cpu_microseconds(act: Callable[[], object]) -> float:
    """Return the CPU microseconds of one call."""
    # The best of ten rounds: the others were disturbed by other programs.
    return min(timeit.repeat(act, timer=time.process_time, number=TIMES, repeat=10)) / TIMES * 1e6


def measure(size: int) -> Iterator[tuple[str, float]]:
    """Yield each step and its CPU microseconds for one purchase, in batches of this size."""
    from microstore.contracts.transactions import ORDER_CREATED  # noqa: PLC0415  # after django.setup()
    from microstore.messaging import metrics  # noqa: PLC0415
    from microstore.messaging.sending.publisher import Batch  # noqa: PLC0415
    from microstore.metrics.requests import measure_requests  # noqa: PLC0415

    route: Any = SimpleNamespace(url_name="buy", view_name="buy")
    request: Any = SimpleNamespace(method="POST", resolver_match=route)
    response: Any = SimpleNamespace(status_code=202)
    batches = [Batch(ORDER_CREATED, [{}] * size)]
    sales = import_module(
        "listings.metrics"
    )  # by name: the types of the other service's check know no listings
    waited = [timedelta(seconds=0.1)] * size

    def relay() -> None:
        with metrics.confirming(batches):
            pass

    def worker() -> None:
        with metrics.handling("order_created", size):
            metrics.HANDLED.labels("order_created").inc(size)

    get_response = measure_requests(lambda _: response)
    yield "request", cpu_microseconds(lambda: get_response(request))
    yield "relay", cpu_microseconds(relay) / size
    yield "two workers", 2 * cpu_microseconds(worker) / size
    yield "time to truth", cpu_microseconds(lambda: sales.observe_time_to_truth(waited)) / size


if __name__ == "__main__":
    sys.argv = ["celery", "worker"]  # a process with children
    os.environ["DJANGO_SETTINGS_MODULE"] = "microstore.settings"
    django.setup()
    for size in SIZES:
        costs = dict(measure(size))
        steps = ", ".join(f"{name} {cost:.1f}" for name, cost in costs.items())
        print(f"in batches of {size}: {sum(costs.values()):.1f} µs a purchase ({steps})")
