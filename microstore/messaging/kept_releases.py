"""Promises of each release, kept as files; no later change may rewrite them into a break.

A folder a release: the schemas of its contracts, and of what its clients receive (frames and webhooks).
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microstore.contracts.samples import CONTRACTS, PUBLISHED, read_json, releases, write_json
from microstore.messaging.compatibility import Contracts, find_breaks
from microstore.messaging.json_schemas import find_refusals

DIGESTS = "digests.json"
Schemas = dict[str, dict[str, Any]]  # by address and type


def keep_release(release: Path, contracts: Contracts, published: Schemas) -> list[str]:
    """Write what a release promises, or return the sentences for what forbids it, and write nothing.

    It may break nothing that a release of the same major version has promised, itself among them.
    """
    folder = release.parent
    faults = find_rewritten(folder)
    for kept in releases(folder):
        if not faults and _major(kept) == _major(release):
            faults += find_breaks(read_json(kept / CONTRACTS), contracts)
            faults += find_client_breaks(kept, published)
    if not faults:
        release.mkdir(exist_ok=True)
        write_json(release / CONTRACTS, contracts)
        if published:
            write_json(release / PUBLISHED, published)
        write_json(folder / DIGESTS, dict(_digests(folder)))
    return faults


def find_rewritten(folder: Path) -> list[str]:
    """Return a sentence for each kept file that `keep_release` has not written as it is."""
    kept: dict[str, str] = read_json(folder / DIGESTS) if (folder / DIGESTS).exists() else {}
    found = dict(_digests(folder))
    changed = sorted(name for name in found.keys() | kept.keys() if found.get(name) != kept.get(name))
    return [f"{name}: is not as it was kept; take it back from Git" for name in changed]


def find_client_breaks(release: Path, published: Schemas) -> list[str]:
    """Return a sentence for each frame or webhook that clients of the release cannot read as it is now."""
    if not published or not (release / PUBLISHED).exists():
        return []  # of a service without clients
    kept: Schemas = read_json(release / PUBLISHED)
    breaks = [f"{name}: is gone; clients wait for it" for name in kept if name not in published]
    for name in kept.keys() & published.keys():
        faults = find_refusals(published[name], kept[name])
        breaks += [f"{name}: {fault} (new sender, old client)" for fault in faults]
    return sorted(breaks)


def _major(release: Path) -> str:
    return release.name.partition(".")[0]


def _digests(folder: Path) -> Iterator[tuple[str, str]]:
    for release in releases(folder):
        for name in (CONTRACTS, PUBLISHED):
            if (release / name).exists():
                yield f"{release.name}/{name}", hashlib.sha256((release / name).read_bytes()).hexdigest()
