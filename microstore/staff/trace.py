"""Search by the trace id of a purchase or the id of its order."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from microstore.staff import messages
from microstore.staff.log_lines import find_lines
from microstore.staff.overview import Found, service_overview
from microstore.telemetry.tracing import trace_id_of, trace_start, uuid_of


class NoTrace(Exception):
    """This is neither a trace id nor the id of an order: both have 32 hexadecimal digits."""

    def __str__(self) -> str:
        return self.__doc__ or ""


@dataclass
class Trace:
    """Rows found, the ids of their traces, and a sentence for each service that failed."""

    found: list[Found] = field(default_factory=list)
    trace_ids: set[str] = field(default_factory=set)
    hidden: int = 0  # rows that the viewer's roles may not see
    problems: list[str] = field(default_factory=list)

    def add(self, other: "Trace") -> None:
        """Add another service's results to these."""
        self.found += other.found
        self.trace_ids |= other.trace_ids
        self.hidden += other.hidden
        self.problems += other.problems


def read_term(term: str) -> str:
    """Return the 32 digits of a trace id, a traceparent or a UUID; raises NoTrace for other text."""
    start = trace_start(term)
    if start is None:
        raise NoTrace
    return trace_id_of(start)


def find_here(terms: Iterable[str]) -> Trace:
    """Return rows, messages, dead letters and log lines of this service about the terms.

    A term is a trace id or the id of an order, 32 digits either way.
    """
    rows: dict[Found, None] = {}
    trace_ids: set[str] = set()
    for term in terms:
        found, starts = service_overview().find_rows(term)
        trace_ids |= {trace_id_of(start) for start in starts if start}
        rows |= dict.fromkeys(found)
    wanted = {*terms, *trace_ids}
    found = [row for trace_id in sorted(wanted) for row in messages.find_rows(f"00-{trace_id}-")]
    lines = find_lines(name for term in wanted for name in _spellings(term))
    return Trace([*rows, *found, *lines], trace_ids)


def _spellings(term: str) -> list[str]:
    # Log lines write the id of an order with dashes, and that of a trace without.
    order_id: UUID | None = uuid_of(term)
    return [term, str(order_id)]
