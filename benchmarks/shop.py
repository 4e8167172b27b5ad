"""All of MicroStore on real servers with production settings, with listings and buyers."""

import json
import math
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import psycopg2

from benchmarks.cpu import Meter
from stack.places import ROOT
from stack.processes.environment import choose_all_ports, make_environment, make_settings
from stack.processes.preparation import manage, prepare_services
from stack.processes.procfile import read_procfile
from stack.processes.stack import Stack
from stack.servers.private import RealServers
from stack.servers.server import Server
from stack.waiting import wait_until

# Production settings without HTTPS, and without rate limits, which these few buyers would exceed.
PRODUCTION = {"DEBUG": "0", "ALLOWED_HOSTS": "127.0.0.1", "SECURE_SSL_REDIRECT": "0", "LIMITS_URL": ""}
# Counted like any other buyers' open orders, but these few may have a backlog.
PRODUCTION |= {"MAX_OPEN_ORDERS": "1000000", "MAX_OPEN_ORDERS_OF_LISTING": "1000000"}
PRODUCTION |= {"LIVE_SOCKETS_PER_ADDRESS": "2000"}  # all browsers of a benchmark have one address
PEOPLE = range(1_000_001, 1_000_101)
BUYERS, SELLERS = PEOPLE[:50], PEOPLE[50:]
SETTLES_WITHIN_SECONDS = 180
EMPTIED = {
    "listings": "listings_listing, listings_liveevent",
    "transactions": "transactions_transaction, transactions_journal, transactions_entry",
}
ADD_PEOPLE = """
INSERT INTO auth_user (id, username, password, email, first_name, last_name, is_superuser, is_staff,
    is_active, date_joined)
SELECT id, 'person' || id, '!', '', '', '', false, false, true, now() FROM generate_series(%s, %s) id
ON CONFLICT DO NOTHING
"""
ADD_LISTINGS = """
INSERT INTO listings_listing (seller_id, title, description, category, price_cents, currency, quantity,
    available, status, created_at, updated_at)
SELECT %s + n %% %s, 'Crunchy armchair ' || n, 'It crunches.', 'furniture', 500 + n %% 20000, 'EUR', %s, %s,
    'on_sale', now(), now()
FROM generate_series(1, %s) n RETURNING id
"""
REQUEST = """\
POST /api/listings/{listing}/buy/ HTTP/1.1\r
Host: 127.0.0.1\r
Authorization: Bearer {token}\r
Idempotency-Key: {key}\r
Content-Type: application/json\r
Content-Length: 14\r
\r
{{"quantity":1}}"""


@dataclass
class Copy:
    """One of each process, and the ports that they listen on."""

    ports: Mapping[str, int]
    stack: Stack


class Shop:
    """Both services and every process of the Procfile but Flower, started and measured by name."""

    def __init__(self, services: RealServers, folder: Path) -> None:
        self.services = services
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.copies: list[Copy] = []
        self._tokens: list[str] = []
        self._connections: dict[str, Any] = {}
        self.find_servers: Callable[[], Mapping[str, Sequence[int]]] = self._find_own_servers
        self.reconfigure(_read_commands())

    def reconfigure(self, commands: Mapping[str, str], **settings: str) -> None:
        """Replace the processes by new ones, not started yet, with these commands and additional settings."""
        self.commands = dict(commands)
        self._own_settings = {**PRODUCTION, **settings}
        self.settings = self._make_settings(choose_all_ports())
        self.copies = []
        self.add_copy()

    @property
    def stack(self) -> Stack:
        """The first copy of each process."""
        return self.copies[0].stack

    def prepare(self) -> None:
        """Create tables and queues; may be called again."""
        prepare_services(self.settings)

    def empty(self) -> None:
        """Delete all purchases and listings, and add buyers and sellers with tokens."""
        for service, tables in EMPTIED.items():
            self.query(service, f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
        self.query("listings", ADD_PEOPLE, PEOPLE[0], PEOPLE[-1])
        self._tokens = [self.token_of(buyer) for buyer in BUYERS]

    def add_copy(self) -> None:
        """Add one more of each process; `open` starts it."""
        ports, number = choose_all_ports(), len(self.copies) + 1
        environment = make_environment(self._make_settings(ports))
        # Workers of the same name would take each other's control messages.
        commands = {
            name: f"{command} --name {name}-{number}" if name.endswith("-worker") else command
            for name, command in self.commands.items()
        }
        folder = self.folder / f"copy-{number}"
        self.copies.append(Copy(ports, Stack(commands, environment=environment, folder=folder)))

    def open(self) -> None:
        """Start every process that does not run, and wait until all are ready."""
        for copy in self.copies:
            copy.stack.start_all()
        for copy in self.copies:
            copy.stack.wait_all_ready()

    def close(self) -> None:
        for copy in self.copies:
            copy.stack.stop_all()
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def ports_of(self, name: str) -> list[int]:
        """Return the port of each copy, by the name of its environment variable."""
        return [copy.ports[name] for copy in self.copies]

    def meter(self) -> Meter:
        """Return a CPU meter of every server and process; copies of a process count as one."""
        return Meter(self._find_roots)

    def make_requests(self, count: int, *, stock: int = 1) -> list[bytes]:
        """Return HTTP requests of different buyers, which sell out new listings one after the other."""
        fill = (SELLERS[0], len(SELLERS), stock, stock, math.ceil(count / stock))
        listings = [listing for (listing,) in self.query("listings", ADD_LISTINGS, *fill)]
        return [
            REQUEST.format(
                listing=listings[number // stock],
                token=self._tokens[number % len(self._tokens)],
                key=uuid.uuid4().hex,
            ).encode()
            for number in range(count)
        ]

    def tidy(self) -> None:
        """Run VACUUM, ANALYZE and CHECKPOINT in both databases, so that none runs during a measurement."""
        for service in EMPTIED:
            self.query(service, "VACUUM ANALYZE")
            self.query(service, "CHECKPOINT")

    def count_wal_bytes(self) -> float:
        """Return the bytes of write-ahead log that both databases have written so far."""
        sql = "SELECT pg_current_wal_insert_lsn() - '0/0'"
        return float(sum(self.query(service, sql)[0][0] for service in EMPTIED))

    def wait_settled(self) -> None:
        """Wait until no order is pending, SETTLES_WITHIN_SECONDS at most."""
        # No error after that time: the audit counts the orders that stay pending.
        self._wait_for_none("listings_order WHERE status = 'pending'")

    def wait_published(self) -> None:
        """Wait until the outbox of the listings is empty."""
        self._wait_for_none("messaging_outboxmessage")

    def audit(self) -> dict[str, Any]:
        """Return the report of `manage.py audit`, in which every pending order is a disagreement."""
        self.wait_settled()
        limits = ("--pending-deadline=0", "--outbox-age=1")
        report: dict[str, Any] = json.loads(manage(self.settings, "listings", "audit", "--json", *limits))
        return report

    def query(self, service: str, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement in a service's database and return its rows, if it has any."""
        with self._connection(service).cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall()) if cursor.description else []

    def owner_url(self, service: str) -> str:
        """Return the URL of a service's database for its owner, who may vacuum and truncate."""
        return self.settings[f"{service.upper()}_OWNER_DATABASE_URL"]

    def _connection(self, service: str) -> Any:
        # Kept open: waiting polls often, and a connection costs the server more than a query.
        if service not in self._connections:
            self._connections[service] = psycopg2.connect(self.owner_url(service))
            self._connections[service].autocommit = True
        return self._connections[service]

    def _wait_for_none(self, rows: str) -> None:
        sql = f"SELECT EXISTS (SELECT FROM {rows})"
        wait_until(lambda: not self.query("listings", sql)[0][0], timeout_seconds=SETTLES_WITHIN_SECONDS)

    def _make_settings(self, ports: Mapping[str, int]) -> dict[str, str]:
        made = make_settings(self.folder, servers=self.services.environment(), ports=ports)
        return {**made, **self._own_settings}

    def token_of(self, buyer: int) -> str:
        """Return an access token of a buyer, good for a day."""
        now = int(time.time())
        claims = {"token_type": "access", "user_id": str(buyer), "iss": "microstore", "jti": uuid.uuid4().hex}
        key = self.settings["JWT_PRIVATE_KEY"].replace("\\n", "\n")
        return jwt.encode({**claims, "iat": now, "exp": now + 86_400}, key, algorithm="RS256")

    def _find_roots(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {name: list(pids) for name, pids in self.find_servers().items()}
        for copy in self.copies:
            for name in copy.stack.commands:
                found.setdefault(name, []).extend(filter(None, [copy.stack.pid(name)]))
        return {name: pids for name, pids in found.items() if pids}

    def _find_own_servers(self) -> dict[str, list[int]]:
        daemons = {_name_server(self.services, server): server.daemon for server in self.services.all}
        return {name: [daemon.pid] for name, daemon in daemons.items() if daemon.pid}


def _read_commands() -> dict[str, str]:
    commands = read_procfile(ROOT / "Procfile")
    del commands["flower"]
    return commands


def _name_server(services: RealServers, server: Server) -> str:
    return f"{server.name}-db" if server in (services.listings_db, services.transactions_db) else server.name
