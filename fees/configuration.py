"""The fee schedule as it is configured: FEE_SCHEDULE, or schedule.json, and FEE_SCHEDULE_BEFORE."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from fees.schedule import InvalidSchedule, Schedule
from fees.schedule_parser import parse_schedule


def load_schedule(environ: Mapping[str, str]) -> Schedule:
    """Load the schedule that FEE_SCHEDULE gives as JSON text or as a path; without it, the checked-in one.

    FEE_SCHEDULE_BEFORE gives the one that it replaced, by which orders are charged that were quoted by it.
    """
    schedule = _load(environ, "FEE_SCHEDULE")
    if not environ.get("FEE_SCHEDULE_BEFORE", "").strip():
        return schedule
    before = _load(environ, "FEE_SCHEDULE_BEFORE")
    if before.version == schedule.version:
        raise InvalidSchedule(f"FEE_SCHEDULE_BEFORE: version must not be {before.version}, the present one")
    return replace(schedule, before=before)


def _load(environ: Mapping[str, str], variable: str) -> Schedule:
    configured = environ.get(variable, "").strip()
    try:
        return parse_schedule(_read_schedule(configured))
    except InvalidSchedule as problem:
        raise InvalidSchedule(f"{variable if configured else 'fees/schedule.json'}: {problem}") from None


def _read_schedule(configured: str) -> str:
    if configured.startswith("{"):
        return configured
    try:
        source = Path(configured) if configured else files("fees").joinpath("schedule.json")
        return source.read_text(encoding="utf-8")
    except (OSError, ValueError) as problem:
        raise InvalidSchedule(f"must be JSON text or the path of a readable JSON file: {problem}") from None
