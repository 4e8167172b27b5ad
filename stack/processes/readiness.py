"""Readiness of MicroStore's processes: over HTTP, or by a line in the log."""

from collections.abc import Mapping
from http import HTTPStatus

import requests

from stack.processes.daemon import Daemon

# Process: the variable with its port, and the path that answers 200 once it works.
HTTP = {
    "fees": ("FEES_PORT", "/health"),
    "listings-api": ("LISTINGS_PORT", "/health/live"),
    "listings-live": ("LIVE_PORT", "/health/live"),
    "transactions-api": ("TRANSACTIONS_PORT", "/health/live"),
    "flower": ("FLOWER_PORT", "/healthcheck"),
}
LOG_SAYS = {"worker": "ready.", "relay": "relay started", "deliver": "deliver started"}


def is_ready(name: str, daemon: Daemon, environment: Mapping[str, str]) -> bool:
    """Return whether the process does its work now."""
    if listens(name):
        return _answers(f"{address_of(name, environment)}{HTTP[name][1]}")
    sign = LOG_SAYS.get(name.rpartition("-")[2])
    return daemon.pid is not None and (sign is None or sign in daemon.read_log_since_start())


def listens(name: str) -> bool:
    """Return whether the process answers HTTP."""
    return name in HTTP


def address_of(name: str, environment: Mapping[str, str]) -> str:
    """Return the URL of a process that listens."""
    return f"http://127.0.0.1:{environment[HTTP[name][0]]}"


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == HTTPStatus.OK
    except requests.RequestException:
        return False
