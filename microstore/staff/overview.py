"""Contents of the admin's front page and of a trace, which each service provides in `overview.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Protocol, cast

from django.conf import settings

from microstore.service import path_within
from microstore.staff.charts import Chart


@dataclass(frozen=True)
class Figure:
    """Number on the front page; `alarm` marks one that needs attention."""

    label: str
    value: str
    url: str = ""
    permission: str = ""
    alarm: bool = False


@dataclass(frozen=True)
class Found:
    """Row, message or log line that belongs to a trace."""

    kind: str
    at: datetime | None
    text: str
    url: str = ""
    permission: str = ""
    service: str = settings.SERVICE


class ServiceOverview(Protocol):
    """Interface of a service's `overview.py` module."""

    SEARCH_HINT: str  # the terms that its front page's search takes
    find_list: Callable[[str], Found | None]  # the list that a term searches which is no id of a trace
    figures: Callable[[], list[Figure]]
    charts: Callable[[], list[Chart]]
    find_rows: Callable[[str], tuple[list[Found], set[str]]]  # and how their traceparents begin


class NoOverview:
    """Overview of a service that has none: nothing but its messages."""

    SEARCH_HINT = "trace id"

    def find_list(self, term: str) -> Found | None:
        return None

    def figures(self) -> list[Figure]:
        return []

    def charts(self) -> list[Chart]:
        return []

    def find_rows(self, term: str) -> tuple[list[Found], set[str]]:
        return [], set()


def service_overview() -> ServiceOverview:
    """Return the `overview` module of this process's service, or an empty one."""
    if not path_within(settings.SERVICE, "overview", "figures"):
        return cast("ServiceOverview", NoOverview())
    return cast("ServiceOverview", import_module(f"{settings.SERVICE}.overview"))


def age(seconds: float) -> str:
    """Return a duration as text: `4 s`, `12 min`, `3 h`, `5 d`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"
