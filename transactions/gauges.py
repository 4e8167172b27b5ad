"""Gauges of the transactions service for Prometheus: none beside those of messaging."""

from collections.abc import Iterable

from microstore.metrics.gauges import GaugeValue


def gauges() -> Iterable[GaugeValue]:
    """Return no gauges, since only messages wait here."""
    return ()
