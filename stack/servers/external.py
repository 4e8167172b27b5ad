"""Servers that somebody else runs, named by URLs in the environment."""

import os
from collections.abc import Collection, Mapping

from stack.processes.procfile import SERVICES

DATABASES = [f"{service.upper()}_DATABASE_URL" for service in SERVICES]
URLS = (*DATABASES, "BROKER_URL", "CHANNEL_LAYER_URL")


class ExternalServers:
    """Servers that are neither started nor stopped here."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)

    def find_stopped(self) -> list[str]:
        """Return no name: they run already."""
        return []

    def start(self) -> None:
        pass

    def stop(self, names: Collection[str] | None = None) -> None:
        pass

    def environment(self) -> dict[str, str]:
        return dict(self._urls)


def find_external_servers() -> ExternalServers | None:
    """Return the servers of the environment, None unless all their URLs are there."""
    urls = {name: os.environ[name] for name in URLS if os.environ.get(name)}
    return ExternalServers(urls) if len(urls) == len(URLS) else None
