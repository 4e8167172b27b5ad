"""Private servers in one folder, by which later commands find them again."""

import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, Protocol, Self, TypeVar

from stack.places import write_private
from stack.ports import choose_ports, is_free
from stack.processes.interruption import held_back
from stack.processes.procfile import SERVICES
from stack.servers.postgresql import APP, NOTIFICATIONS, READER, WEBHOOKS, PostgreSQL
from stack.servers.rabbitmq import BROKER_USERS, RabbitMQ
from stack.servers.redis import Redis
from stack.servers.server import Server

STATE = "state.json"
FOLDER = "MICROSTORE_SERVICES_FOLDER"

AnyServer = TypeVar("AnyServer", bound=Server)
Result = TypeVar("Result")


class ServerSet(Protocol):
    """All the servers that MicroStore needs, whoever runs them."""

    def find_stopped(self) -> list[str]:
        """Return the names of those that do not run."""

    def start(self) -> None:
        """Start what does not run, and wait until all answer."""

    def stop(self, names: Collection[str] | None = None) -> None:
        """Stop these, all by default."""

    def environment(self) -> dict[str, str]:
        """Return the URLs under the names that the services read."""


class PrivateServers(ABC):
    """A PostgreSQL cluster a service, a Redis and maybe more; ports and password are kept in the folder."""

    names: ClassVar[tuple[str, ...]] = (*SERVICES, "redis")
    from_wheels: ClassVar[bool] = False

    def __init__(
        self, folder: Path, *, ports: dict[str, int], password: str, with_management: bool = False
    ) -> None:
        self.folder = folder
        self.ports = ports
        self.password = password
        self.with_management = with_management
        self.databases = {service: self._place(PostgreSQL, service) for service in SERVICES}
        self.listings_db, self.transactions_db = self.databases["listings"], self.databases["transactions"]
        self.redis = self._place(Redis, "redis")

    @classmethod
    def at(cls, folder: Path, *, with_management: bool = False) -> Self:
        """Return the servers of this folder, running or not; new ones if it is empty."""
        state = folder / STATE
        ports = dict(zip(cls.names, choose_ports(len(cls.names)), strict=True))
        if state.exists():
            kept = json.loads(state.read_text())
            # A service that is new has no port in a state that is older.
            return cls(folder, **kept | {"ports": ports | kept["ports"]})
        password = secrets.token_hex(16)
        servers = cls(folder, ports=ports, password=password, with_management=with_management)
        servers._remember()
        return servers

    @property
    @abstractmethod
    def all(self) -> list[Server]:
        """All servers of the set, in no order."""

    def find_stopped(self) -> list[str]:
        """Return the names of the servers that do not run."""
        return [server.name for server in self.all if not server.running]

    def start(self) -> None:
        """Start, side by side, those that do not run, and wait until all answer."""
        self._avoid_taken_ports()
        with ThreadPoolExecutor(max_workers=len(self.all)) as pool:
            # Submitting is inside: threads run before the last one is submitted, and a signal may come then.
            try:
                # The pool notes a thread once it runs: interrupted in between it would not await that thread,
                # which then started a server after our stop.
                with held_back():
                    starts = [pool.submit(server.start) for server in self.all]
                for start in starts:
                    start.result()
            except BaseException:
                # The threads get no signal, and one that still starts a server must not outlive our stop.
                # Signals are held back, not ignored: a server that began then would ignore SIGINT, too,
                # until it has a handler, and with it our stop.
                with held_back():
                    for server in self.all:
                        server.give_up()
                    pool.shutdown()
                    # Not before: a thread that begins after the interruption must find that it is given up.
                    _each(self.all, lambda server: server.resume_waiting())
                raise

    def stop(self, names: Collection[str] | None = None) -> None:
        """Stop these (all by default) cleanly; their data stays."""
        named = [server for server in self.all if names is None or server.name in names]
        _each(named, lambda server: server.stop())

    def kill(self) -> None:
        """SIGKILL every server at once."""
        _each(self.all, lambda server: server.kill())

    def environment(self) -> dict[str, str]:
        """Return the databases' URLs: of their owner, of the services' processes, of those who only read."""
        kinds = {"DATABASE": None, "APP_DATABASE": APP, "READER_DATABASE": READER}
        urls = {
            f"{name.upper()}_{kind}_URL": database.url_of(role) if role else database.url
            for name, database in self.databases.items()
            for kind, role in kinds.items()
        }
        own = {"NOTIFICATIONS": NOTIFICATIONS, "WEBHOOKS": WEBHOOKS}
        return urls | {f"{name}_DATABASE_URL": self.listings_db.url_of(role) for name, role in own.items()}

    def _place(self, kind: type[AnyServer], name: str) -> AnyServer:
        server = kind(name, folder=self.folder / name, port=self.ports[name], password=self.password)
        server.from_wheel = server.from_wheel or self.from_wheels
        return server

    def _avoid_taken_ports(self) -> None:
        for server in self.all:
            if not server.running and not is_free(server.port):
                server.port = self.ports[server.name] = choose_ports(1)[0]
        self._remember()

    def _remember(self) -> None:
        kept = {"ports": self.ports, "password": self.password, "with_management": self.with_management}
        write_private(self.folder / STATE, json.dumps(kept, indent=2))


class RealServers(PrivateServers):
    """PostgreSQL, RabbitMQ and Redis, as in production."""

    names = (*SERVICES, "rabbitmq", "redis")

    def __init__(self, folder: Path, *, ports: dict[str, int], password: str, with_management: bool) -> None:
        super().__init__(folder, ports=ports, password=password, with_management=with_management)
        self.rabbitmq = self._place(RabbitMQ, "rabbitmq")
        self.rabbitmq.with_management = with_management

    @property
    def all(self) -> list[Server]:
        return [*self.databases.values(), self.rabbitmq, self.redis]

    def environment(self) -> dict[str, str]:
        """Return the URLs, and the folder by which a child process finds these very servers again."""
        operators = {"FLOWER_BROKER_API": self.rabbitmq.management_url} if self.with_management else {}
        return {
            **super().environment(),
            "BROKER_URL": self.rabbitmq.url,
            **{f"{user.upper()}_BROKER_URL": self.rabbitmq.url_of(user) for user in BROKER_USERS},
            "CHANNEL_LAYER_URL": self.redis.url,
            FOLDER: str(self.folder),
            **operators,
        }


def _each(servers: Sequence[Server], act: Callable[[Server], Result]) -> list[Result]:
    with ThreadPoolExecutor(max_workers=len(servers) or 1) as pool:
        return list(pool.map(act, servers))
