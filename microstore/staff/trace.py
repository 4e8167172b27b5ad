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
    rows, starts = service_overview().find_rows(term)
    found = rows + [row for each in {start, *starts} for row in messages.find_rows(each)]
    return sorted(found, key=lambda row: (row.at is None, row.at))
