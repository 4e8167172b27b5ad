"""JSON objects that name each field once, of which `json` would take the last alone."""

from typing import Any


def as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of an object; raises ValueError where one is named twice."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field is named twice")
    return fields
