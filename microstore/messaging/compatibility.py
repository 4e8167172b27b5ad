"""Compatibility of contracts with those of another release, by the JSON schemas of their payloads.

While a release is rolled out, each message may be sent by one release and received by the other. Receivers
ignore fields that they do not know, and senders write every field that they know.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]
Contracts = dict[str, dict[str, Any]]  # by task name: `to`, `reply`, `fact` and the payload's `schema`

# Whether a receiver's bound is at least as wide as the sender's; a missing one is no bound.
LOWEST = ("minimum", "exclusiveMinimum", "minLength", "minItems")
HIGHEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
FORMS = ("pattern", "format")
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
            breaks += [f"{name}: {fault} ({way})" for fault in _find_refusals(sender, receiver)]
    return breaks


def _find_refusals(sender: Schema, receiver: Schema) -> Iterator[str]:
    sent, received = sender["properties"], receiver["properties"]
    required, always_sent = set(receiver.get("required", ())), set(sender.get("required", ()))
    for field in received:
        if field not in sent:
            if field in required:
                yield f"`{field}` is required and not sent"
            continue
        # Messages that SQL or another client has made may leave out a field that has a default.
        if field in required and field not in always_sent:
            yield f"`{field}` is required and may be left out"
        resolved = _resolve(sent[field], sender), _resolve(received[field], receiver)
        yield from (f"`{field}` {fault}" for fault in _find_narrower(*resolved))


def _resolve(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    return root["$defs"][reference.rpartition("/")[2]] if reference else schema


def _find_narrower(sender: Schema, receiver: Schema) -> Iterator[str]:
    if (
        refused := _types(sender)
        - _types(receiver)
        - ({"integer"} if "number" in _types(receiver) else set())
    ):
        yield f"may be {' or '.join(sorted(refused))}, which is not accepted"
        return
    allowed, possible = _values(receiver), _values(sender)
    if allowed is not None and (possible is None or not possible <= allowed):
        yield f"may be other than {', '.join(sorted(allowed))}"
    for bound in (*LOWEST, *HIGHEST):
        limit, given = receiver.get(bound), sender.get(bound)
        if limit is not None and (given is None or (given < limit if bound in LOWEST else given > limit)):
            yield f"may be outside of {bound} {limit}"
    for form in FORMS:
        if receiver.get(form) is not None and receiver.get(form) != sender.get(form):
            yield f"may have another {form} than {receiver[form]}"
    if "items" in receiver:
        yield from _find_narrower(sender.get("items", {}), receiver["items"])


def _types(schema: Schema) -> set[str]:
    kinds = schema.get("anyOf", [schema])
    return {str(kind.get("type", "anything")) for kind in kinds}


def _values(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {repr(schema["const"])}
    return {repr(value) for value in schema["enum"]} if "enum" in schema else None
