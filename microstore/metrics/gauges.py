"""What a service's database says, asked when Prometheus asks: what waits, and since when."""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import NamedTuple

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from prometheus_client.core import GaugeMetricFamily

log = structlog.get_logger(__name__)

LIMIT_MILLISECONDS = 2000  # for each question


class GaugeValue(NamedTuple):
    """A number that the database knows; `of` says of which queue, where there are several."""

    name: str
    help: str
    value: float
    of: str = ""


class DatabaseGauges:
    """The facts of messaging and of the service, and whether the database answers."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All of them; where the database is away only that it is."""
        try:
            facts = list(_ask())
        except DatabaseError as error:
            log.warning("gauges_unknown", error=repr(error))
            facts = []
        yield GaugeMetricFamily(
            "microstore_database_up", "Whether the service's database answers.", bool(facts)
        )
        yield from _as_gauges(facts)


def _ask() -> Iterator[GaugeValue]:
    modules = ("microstore.messaging.gauges", f"{settings.SERVICE}.gauges")
    sources: list[Callable[[], Iterable[GaugeValue]]] = [import_module(name).gauges for name in modules]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {LIMIT_MILLISECONDS}")
        for facts in sources:
            yield from facts()


def _as_gauges(facts: Iterable[GaugeValue]) -> Iterable[GaugeMetricFamily]:
    gauges: dict[str, GaugeMetricFamily] = {}
    for fact in facts:
        labels = ["queue"] if fact.of else []
        gauge = gauges.setdefault(fact.name, GaugeMetricFamily(fact.name, fact.help, labels=labels))
        gauge.add_metric([fact.of] if fact.of else [], fact.value)
    return gauges.values()
