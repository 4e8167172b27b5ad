"""The fee schedule as it is configured: FEE_SCHEDULE, or the checked-in schedule.json."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from fees.schedule import InvalidSchedule, Schedule
from fees.schedule_parser import parse_schedule


def load_schedule(environ: Mapping[str, str]) -> Schedule:
    """Load the schedule that FEE_SCHEDULE gives as JSON text or as a path; without it, the checked-in one."""
    configured = environ.get("FEE_SCHEDULE", "").strip()
    try:
        return parse_schedule(_read_schedule(configured))
    except InvalidSchedule as problem:
        source = "FEE_SCHEDULE" if configured else "fees/schedule.json"
        raise InvalidSchedule(f"{source}: {problem}") from None


def _read_schedule(configured: str) -> str:
    if configured.startswith("{"):
        return configured
    try:
        source = Path(configured) if configured else files("fees").joinpath("schedule.json")
        return source.read_text(encoding="utf-8")
    except (OSError, ValueError) as problem:
        raise InvalidSchedule(f"must be JSON text or the path of a readable JSON file: {problem}") from None
