"""What waits in the transactions database, for Prometheus: nothing but messages."""

from collections.abc import Iterable

from microstore.metrics.gauges import Fact


def facts() -> Iterable[Fact]:
    """None of its own."""
    return ()
