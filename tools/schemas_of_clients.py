"""`python -m tools.schemas_of_clients`: schemas of frames and webhooks as an OpenAPI document."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from tools.source import ROOT

CATALOGUE = ROOT / "docs/api/asyncapi.yaml"
SERVERS = {"websockets", "endpoints"}  # in the catalogue, of what clients receive


def main() -> None:
    """Write the document to stdout."""
    catalogue = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    schemas = catalogue["components"]["schemas"]
    wanted: dict[str, Any] = {}
    names = list(_received(catalogue))
    while names:
        name = names.pop()
        if name not in wanted:
            wanted[name] = schemas[name]
            names += _references(schemas[name])
    info = {"title": catalogue["info"]["title"], "version": catalogue["info"]["version"]}
    components = {"schemas": dict(sorted(wanted.items()))}
    json.dump({"openapi": "3.1.0", "info": info, "paths": {}, "components": components}, sys.stdout)


def _received(catalogue: dict[str, Any]) -> Iterator[str]:
    for channel in catalogue["channels"].values():
        if any(_name(server) in SERVERS for server in channel["servers"]):
            for message in channel["messages"].values():
                yield _name(catalogue["components"]["messages"][_name(message)]["payload"])


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield _name(schema)
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _references(part)


def _name(reference: dict[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]


if __name__ == "__main__":
    main()
