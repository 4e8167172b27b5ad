"""The servers of the embedded mode: two SQLite files, and Valkey from a wheel as broker and channel layer."""

import secrets
from collections.abc import Collection
from pathlib import Path

from stack.ports import choose_ports
from stack.redis_server import Valkey

PROMISES = """\
This is a demonstration. Unlike `make up` it has no dead-letter exchange and no publisher confirms,
and a delayed retry waits in a worker's memory: do not judge MicroStore's promises by this mode."""


class EmbeddedServers:
    """Nothing to install; the broker's messages live only as long as it runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._valkey = Valkey(
            "valkey", folder=folder / "valkey", port=choose_ports(1)[0], password=secrets.token_hex(16)
        )

    def start(self) -> list[str]:
        """Start Valkey."""
        return ["valkey"] if self._valkey.start() else []

    def stop(self, names: Collection[str] | None = None) -> None:
        """Stop Valkey; the SQLite files stay."""
        self._valkey.stop()

    def environment(self) -> dict[str, str]:
        """The URLs of the files and of two databases of Valkey."""
        return {
            "LISTINGS_DATABASE_URL": f"sqlite:///{self._folder}/listings.sqlite3",
            "TRANSACTIONS_DATABASE_URL": f"sqlite:///{self._folder}/transactions.sqlite3",
            "BROKER_URL": self._valkey.database_url(0),
            "CHANNEL_LAYER_URL": self._valkey.database_url(1),
        }
