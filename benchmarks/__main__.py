"""`python -m benchmarks`: measure, save and print. `make bench` runs it on throw-away servers."""

import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from benchmarks.capacity import project
from benchmarks.circumstances import describe_circumstances
from benchmarks.parts import PARTS
from benchmarks.report import describe, describe_capacity, make_document
from benchmarks.result import Result
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.shop import Shop
from stack.failure import CannotRun
from stack.places import ROOT, make_run_folder
from stack.processes.interruption import uninterrupted
from stack.processes.time_limit import TimeIsUp, limited
from stack.servers.private import RealServers
from stack.servers.throw_away import private_servers

RESULTS = ROOT / "benchmarks/results"
LEAST_SECONDS = 30


def main() -> int:
    """Measure the chosen parts; exit 1 if any of them failed, with the results of the others saved."""
    options = _parse()
    scale = QUICK if options.quick else FULL
    results = make_run_folder("benchmarks/quick") if options.quick else RESULTS
    with private_servers() as services:
        if not isinstance(services, RealServers):
            raise CannotRun(
                "Benchmarks fill and stop servers: run them as `make bench`, on servers of their own."
            )
        Shop(services, services.folder / "shop").prepare()
        ends_at = time.monotonic() + scale.total_seconds
        measured = [
            _measure(name, services, scale, results, limit_seconds=round(ends_at - time.monotonic()))
            for name in options.only or [name for name, part in PARTS.items() if not part.limit_seconds]
        ]
    if scale is FULL:
        (RESULTS / "README.md").write_text(make_results_document())
    return 0 if all(measured) else 1


def _parse() -> Namespace:
    parser = ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers: a check that everything works")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar=",".join(PARTS))
    options = parser.parse_args()
    if unknown := set(options.only or ()) - PARTS.keys():
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return options


def _measure(name: str, services: RealServers, scale: Scale, results: Path, *, limit_seconds: int) -> bool:
    """Measure one part on processes of its own, and return whether that succeeded."""
    limit_seconds = PARTS[name].limit_seconds or min(limit_seconds, scale.limit_seconds)
    if limit_seconds < LEAST_SECONDS:
        print(f"\n{name} is left out: no time\n", file=sys.stderr, flush=True)
        return False
    shop = Shop(services, services.folder / name)
    try:
        with limited(limit_seconds):
            # Each part begins with the same empty tables, whatever the one before has left.
            shop.empty()
            result = PARTS[name].measure(shop, scale)
            # A fast run that lost an order is no result.
            audit = shop.audit()
    except (Exception, TimeIsUp) as error:  # noqa: BLE001  # the other parts are measured all the same
        print(f"\n{name} failed: {error!r}\n", file=sys.stderr, flush=True)
        return False
    finally:
        # A second Ctrl-C would leave processes behind that disturb the next measurement.
        with uninterrupted():
            shop.close()
    figures = {**result.figures, "disagreements found by the audit": audit["disagreements"]}
    result = Result(figures, result.tables, describe_circumstances(scale))
    result.save(results / f"{name}.json")
    print(f"\n{describe(name, PARTS[name].title, result)}", flush=True)
    return True


def make_results_document() -> str:
    """Return benchmarks/results/README.md, made of the latest result of each part."""
    files = {name: RESULTS / f"{name}.json" for name in PARTS}
    found = {name: Result.load(file) for name, file in files.items() if file.exists()}
    parts = [describe(name, PARTS[name].title, result) for name, result in found.items()]
    if "purchase" in found:
        parts.append(describe_capacity(project(found["purchase"])))
    return make_document(parts)


if __name__ == "__main__":
    sys.exit(main())
