"""Search for log lines of a purchase in the files of this service's processes."""

import json
import mmap
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from microstore.staff.overview import Found

SEARCHED_BYTES = 256 * 1024 * 1024  # of the end of each file
MAX_LINES = 200  # of each file
MAX_LENGTH = 500
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?")


def find_lines(ids: Iterable[str]) -> list[Found]:
    """Return the log lines of this service that hold one of the ids; none without LOG_FOLDER."""
    wanted = [re.escape(name.encode()) for name in sorted(set(ids))]
    if not settings.LOG_FOLDER or not wanted:
        return []
    pattern = re.compile(b"|".join(wanted))
    files = sorted(Path(settings.LOG_FOLDER).glob(f"{settings.SERVICE}-*.log"))
    return [
        Found("log line", _time_of(line), f"{file.stem}: {_readable(line)}", permission="staff.view_logs")
        for file in files
        for line in _lines_with(pattern, file)
    ]


def _lines_with(pattern: re.Pattern[bytes], file: Path) -> Iterator[str]:
    if not file.stat().st_size:
        return
    # Mapped, since a log can have gigabytes, and only its last SEARCHED_BYTES are read.
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text:
        starts: dict[int, None] = {}
        for found in pattern.finditer(text, max(0, len(text) - SEARCHED_BYTES)):
            starts[text.rfind(b"\n", 0, found.start()) + 1] = None
        for start in list(starts)[-MAX_LINES:]:
            end = text.find(b"\n", start)
            yield text[start : end if end >= 0 else len(text)].decode(errors="replace")


def _time_of(line: str) -> datetime | None:
    found = TIME.search(line)
    if not found:
        return None
    moment = datetime.fromisoformat(found[0])
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _readable(line: str) -> str:
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return line.strip()[:MAX_LENGTH]
    left_out = ("event", "timestamp", "trace_id", "service", "process", "pid", "logger")
    rest = " ".join(f"{name}={value}" for name, value in fields.items() if name not in left_out)
    return f"{fields.get('event', '')} {rest}".strip()[:MAX_LENGTH]
