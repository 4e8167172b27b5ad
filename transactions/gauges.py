"""What waits in the transactions database, for Prometheus: nothing but messages."""

from collections.abc import Iterable

from microstore.metrics.gauges import GaugeValue


def gauges() -> Iterable[GaugeValue]:
    """None of its own."""
    return ()
