"""All that one service knows of a purchase, by its trace id or the id of its order."""

from microstore.messaging import overview as messages
from microstore.staff.lists import trace_start
from microstore.staff.overview import Found, service_overview


class NoTrace(Exception):
    """This is neither a trace id nor the id of an order: both have 32 hexadecimal digits."""

    def __str__(self) -> str:
        return self.__doc__ or ""


def find_trace(term: str) -> list[Found]:
    """Orders or transactions, messages and dead letters, oldest first; raises NoTrace."""
    start = trace_start(term)
    if start is None:
        raise NoTrace
    service = service_overview()
    found = [row for trace in {start, *service.find_traces(term)} for row in _of_trace(trace)]
    return sorted(found, key=lambda row: (row.at is None, row.at))


def _of_trace(start: str) -> list[Found]:
    return [*service_overview().find_rows(start), *messages.find_rows(start)]
