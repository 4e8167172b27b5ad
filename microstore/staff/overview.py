"""What the front page of the admin shows: figures, charts and what belongs to a trace."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Protocol, cast
from uuid import UUID

from django.conf import settings

from microstore.contracts.contract import Message
from microstore.staff.charts import Chart


@dataclass(frozen=True)
class Figure:
    """One number of the front page; `alarm` where somebody should look."""

    label: str
    value: str
    url: str = ""
    permission: str = ""
    alarm: bool = False


@dataclass(frozen=True)
class Found:
    """One thing that belongs to a trace."""

    kind: str
    at: datetime | None
    text: str
    url: str = ""
    permission: str = ""
    service: str = settings.SERVICE


class ServiceOverview(Protocol):
    """What a service's `overview.py` offers."""

    figures: Callable[[], list[Figure]]
    charts: Callable[[], list[Chart]]
    find_rows: Callable[[str], tuple[list[Found], set[str]]]  # and how their traceparents begin
    find_done: Callable[[Sequence[Message]], set[UUID]]


def service_overview() -> ServiceOverview:
    """That of the service of this process."""
    return cast("ServiceOverview", import_module(f"{settings.SERVICE}.overview"))


def age(seconds: float) -> str:
    """How long, as people say it: `4 s`, `12 min`, `3 h`, `5 d`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"
