"""Folder in which the children of one process keep their metrics, so that any of them can serve all."""

import os
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

from prometheus_client import values

from microstore.telemetry.logs import process_name

WITH_CHILDREN = {"api", "live", "worker"}
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own


def share_numbers(folder: str, *, service: str, argv: Sequence[str]) -> None:
    """Keep the metrics of web servers and workers in files, and those of other processes in memory.

    Processes that were started by the same command are one: the children of a worker, the workers of a web
    server, also its successor, which goes on counting where it stopped.
    """
    process = process_name(list(argv))
    if folder and process in WITH_CHILDREN:
        own = Path(folder) / f"{service}-{process}-{crc32(' '.join(argv).encode()):08x}"
        own.mkdir(parents=True, exist_ok=True)
        os.environ[VARIABLE] = str(own)
    else:
        os.environ.pop(VARIABLE, None)
    # Celery has imported Flower and so the library, which looked for the variable before it was set.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]  # it has no types


def forget_the_dead() -> None:
    """Delete the gauges of processes that are gone; their counters stay, since sums must not fall."""
    for file in Path(os.environ[VARIABLE]).glob("gauge_live*_*.db"):
        if not Path(f"/proc/{file.stem.rpartition('_')[2]}").exists():
            file.unlink(missing_ok=True)
