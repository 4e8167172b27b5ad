"""Modules that a service may have or leave out: `urls`, `roles`, `gauges`, `overview`."""

from importlib.util import find_spec


def path_within(service: str, module: str, name: str) -> str:
    """Return the dotted path of a name in the service's module; "" where the service has no such module."""
    return f"{service}.{module}.{name}" if find_spec(f"{service}.{module}") else ""
