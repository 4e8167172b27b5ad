"""Gauges whose values are read from the service's database when Prometheus scrapes them."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils.module_loading import import_string
from prometheus_client.core import GaugeMetricFamily

log = structlog.get_logger(__name__)

LIMIT_MILLISECONDS = 2000  # for each query


class GaugeValue(NamedTuple):
    """Value of a gauge; `of` names the queue, where the gauge has one for each queue."""

    name: str
    help: str
    value: float
    of: str = ""


class DatabaseGauges:
    """Collector of the functions that GAUGES names, and of whether the database answers."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            values = list(_read())
        except DatabaseError as error:
            log.warning("gauges_unknown", error=repr(error))
            values = []
        yield GaugeMetricFamily(
            "microstore_database_up", "Whether the service's database answers.", bool(values)
        )
        yield from _families(values)


def _read() -> Iterator[GaugeValue]:
    sources: list[Callable[[], Iterable[GaugeValue]]] = [import_string(path) for path in settings.GAUGES]
    with transaction.atomic():
        with connection.cursor() as cursor:
            # A scrape must not wait behind a locked table: Prometheus would lose the counters, too.
            cursor.execute(f"SET LOCAL statement_timeout = {LIMIT_MILLISECONDS}")
        for source in sources:
            yield from source()


def _families(values: Iterable[GaugeValue]) -> Iterable[GaugeMetricFamily]:
    gauges: dict[str, GaugeMetricFamily] = {}
    for value in values:
        labels = ["queue"] if value.of else []
        gauge = gauges.setdefault(value.name, GaugeMetricFamily(value.name, value.help, labels=labels))
        gauge.add_metric([value.of] if value.of else [], value.value)
    return gauges.values()
