"""The servers MicroStore needs: two PostgreSQL clusters, RabbitMQ, Redis."""

import json
import secrets
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, Self, TypeVar

from stack.ports import choose_ports, is_free
from stack.postgresql import APP, READER, PostgreSQL
from stack.rabbitmq import RabbitMQ
from stack.redis_server import Redis
from stack.server import Server

STATE = "state.json"
FOLDER = "MICROSTORE_SERVICES_FOLDER"
BROKER_USERS = ("listings", "notifications", "transactions", "flower")


AnyServer = TypeVar("AnyServer", bound=Server)
Result = TypeVar("Result")


class ServerSet(Protocol):
    """All the servers, whoever runs them."""

    def start(self) -> list[str]:
        """Start what does not run, wait until all answer; return the names of what was started."""

    def stop(self, names: Collection[str] | None = None) -> None:
        """Stop these, all by default."""

    def environment(self) -> dict[str, str]:
        """The URLs under the names the services read."""


class Services:
    """Private servers, all in one folder, which remembers their ports and password."""

    def __init__(self, folder: Path, *, ports: dict[str, int], password: str, with_management: bool) -> None:
        self.folder = folder
        self.ports = ports
        self.password = password
        self.with_management = with_management
        self.listings_db = self._place(PostgreSQL, "listings")
        self.transactions_db = self._place(PostgreSQL, "transactions")
        self.rabbitmq = self._place(RabbitMQ, "rabbitmq")
        self.rabbitmq.with_management = with_management
        self.redis = self._place(Redis, "redis")

    @classmethod
    def at(cls, folder: Path, *, with_management: bool = False) -> Self:
        """Return the servers of this folder, running or not; new ones, as asked for, if it is empty."""
        state = folder / STATE
        if state.exists():
            return cls(folder, **json.loads(state.read_text()))
        names = ("listings", "transactions", "rabbitmq", "redis")
        ports = dict(zip(names, choose_ports(len(names)), strict=True))
        password = secrets.token_hex(16)
        services = cls(folder, ports=ports, password=password, with_management=with_management)
        services._remember()
        return services

    @property
    def all(self) -> list[Server]:
        """Every server."""
        return [self.listings_db, self.transactions_db, self.rabbitmq, self.redis]

    def start(self) -> list[str]:
        """Start, side by side, those that do not run; return their names."""
        self._avoid_taken_ports()
        fresh = _each(self.all, lambda server: server.start())
        return [server.name for server, started in zip(self.all, fresh, strict=True) if started]

    def stop(self, names: Collection[str] | None = None) -> None:
        """Stop these (all by default) cleanly; their data stays."""
        named = [server for server in self.all if names is None or server.name in names]
        _each(named, lambda server: server.stop())

    def kill(self) -> None:
        """SIGKILL all."""
        _each(self.all, lambda server: server.kill())

    def environment(self) -> dict[str, str]:
        """The URLs, and the folder by which a child process finds these very servers again."""
        operators = {"FLOWER_BROKER_API": self.rabbitmq.management_url} if self.with_management else {}
        return {
            "LISTINGS_DATABASE_URL": self.listings_db.url,
            "TRANSACTIONS_DATABASE_URL": self.transactions_db.url,
            **self._database_urls(),
            "BROKER_URL": self.rabbitmq.url,
            **{f"{user.upper()}_BROKER_URL": self.rabbitmq.url_of(user) for user in BROKER_USERS},
            "CHANNEL_LAYER_URL": self.redis.url,
            FOLDER: str(self.folder),
            **operators,
        }

    def _database_urls(self) -> dict[str, str]:
        databases = {"LISTINGS": self.listings_db, "TRANSACTIONS": self.transactions_db}
        roles = {"APP": APP, "READER": READER}
        return {
            f"{name}_{kind}_DATABASE_URL": database.url_of(role)
            for name, database in databases.items()
            for kind, role in roles.items()
        }

    def _place(self, kind: type[AnyServer], name: str) -> AnyServer:
        return kind(name, folder=self.folder / name, port=self.ports[name], password=self.password)

    def _avoid_taken_ports(self) -> None:
        for server in self.all:
            if not server.running and not is_free(server.port):
                server.port = self.ports[server.name] = choose_ports(1)[0]
        self._remember()

    def _remember(self) -> None:
        state = self.folder / STATE
        state.touch(mode=0o600)
        kept = {"ports": self.ports, "password": self.password, "with_management": self.with_management}
        state.write_text(json.dumps(kept, indent=2))


def _each(servers: Sequence[Server], act: Callable[[Server], Result]) -> list[Result]:
    with ThreadPoolExecutor(max_workers=len(servers) or 1) as pool:
        return list(pool.map(act, servers))
