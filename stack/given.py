"""Servers that somebody else runs, given by their URLs in the environment."""

import os
from collections.abc import Collection, Mapping

URLS = ("LISTINGS_DATABASE_URL", "TRANSACTIONS_DATABASE_URL", "BROKER_URL", "CHANNEL_LAYER_URL")


class GivenServers:
    """Starts and stops nothing."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)

    def find_stopped(self) -> list[str]:
        """Return nothing: they run already."""
        return []

    def start(self) -> None:
        """They run already."""

    def stop(self, names: Collection[str] | None = None) -> None:
        """They are not ours to stop."""

    def environment(self) -> dict[str, str]:
        """The URLs as they were given."""
        return dict(self._urls)


def find_given_servers() -> GivenServers | None:
    """Return the servers of the environment, None unless all their URLs are there."""
    urls = {name: os.environ[name] for name in URLS if os.environ.get(name)}
    return GivenServers(urls) if len(urls) == len(URLS) else None
