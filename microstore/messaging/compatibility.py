"""Compatibility of contracts with those of another release, by the JSON schemas of their payloads.

While a release is rolled out, each message may be sent by one release and received by the other. Receivers
ignore fields that they do not know, and senders write every field that they know.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from microstore.messaging.json_schemas import find_refusals

Contracts = dict[str, dict[str, Any]]  # by task name: `to`, `reply`, `fact` and the payload's `schema`

DUMP = """
import json, sys
from importlib import import_module
contracts = import_module(sys.argv[1]).CONTRACTS.values()
print(json.dumps({each.task_name: {
    "to": each.to, "reply": each.reply.task_name if each.reply else None, "fact": each.fact,
    "schema": each.payload.model_json_schema(),
} for each in contracts}))
"""


def read_contracts(folder: Path, module: str) -> Contracts:
    """Return the contracts of the module in a folder, read by a process of its own."""
    command = [sys.executable, "-c", DUMP, module]
    run = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=True)  # noqa: S603
    found: Contracts = json.loads(run.stdout)
    return found


def find_breaks(old: Contracts, new: Contracts) -> list[str]:
    """Return a sentence for each change by which one release cannot take what the other one sends."""
    breaks = []
    for name, before in old.items():
        after = new.get(name)
        if after is None:
            breaks.append(f"{name}: is gone; messages of the old release reach nobody")
            continue
        breaks += [
            f"{name}: `{part}` was {before[part]!r} and is {after[part]!r}"
            for part in ("to", "reply", "fact")
            if before[part] != after[part]
        ]
        for sender, receiver, way in (
            (before["schema"], after["schema"], "old sender, new receiver"),
            (after["schema"], before["schema"], "new sender, old receiver"),
        ):
            breaks += [f"{name}: {fault} ({way})" for fault in find_refusals(sender, receiver)]
    return breaks
