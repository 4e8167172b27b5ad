"""All of MicroStore on real servers, as in production, with something to sell and somebody to buy it."""

import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
import psycopg2

from benchmarks.cpu import Meter
from stack.environment import choose_all_ports, make_environment, make_settings
from stack.places import ROOT
from stack.preparation import manage, prepare_services
from stack.processes import Stack
from stack.procfile import read_procfile
from stack.server import Server
from stack.services import Services
from stack.waiting import wait_until

# As production, but for HTTPS, and for limits: few people buy a lot here.
PRODUCTION = {"DEBUG": "0", "ALLOWED_HOSTS": "127.0.0.1", "SECURE_SSL_REDIRECT": "0", "LIMITS_URL": ""}
PEOPLE = range(1_000_001, 1_000_101)
BUYERS, SELLERS = PEOPLE[:50], PEOPLE[50:]
SETTLES_WITHIN_SECONDS = 180
EMPTIED = {"listings": "listings_listing, listings_liveevent", "transactions": "transactions_transaction"}
ADD_PEOPLE = """
INSERT INTO auth_user (id, username, password, email, first_name, last_name, is_superuser, is_staff,
    is_active, date_joined)
SELECT id, 'person' || id, '!', '', '', '', false, false, true, now() FROM generate_series(%s, %s) id
ON CONFLICT DO NOTHING
"""
ADD_LISTINGS = """
INSERT INTO listings_listing (seller_id, title, description, category, price_cents, currency, quantity,
    available, status, created_at, updated_at)
SELECT %s + n %% %s, 'Crunchy armchair ' || n, 'It crunches.', 'furniture', 500 + n %% 20000, 'EUR', 1, 1,
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


class Shop:
    """Both services, every process of the Procfile but Flower, each started and measured by its name."""

    def __init__(self, services: Services, folder: Path, **settings: str) -> None:
        self.services = services
        self.ports = choose_all_ports()
        made = make_settings(folder, servers=services.environment(), ports=self.ports)
        self.settings = {**made, **PRODUCTION, **settings}
        commands = read_procfile(ROOT / "Procfile")
        del commands["flower"]
        self.stack = Stack(commands, environment=make_environment(self.settings), folder=folder)
        self.more: list[Stack] = []
        self._tokens: list[str] = []

    def prepare(self) -> None:
        """Make tables, queues and people, and forget all purchases; the same again does no harm."""
        prepare_services(self.settings)
        for service, tables in EMPTIED.items():
            self.ask(service, f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
        self.ask("listings", ADD_PEOPLE, PEOPLE[0], PEOPLE[-1])
        self._tokens = [self._sign_token(buyer) for buyer in BUYERS]

    def open(self) -> None:
        """Start every process."""
        self.stack.start_all()
        self.stack.wait_all_ready()

    def close(self) -> None:
        """Stop every process."""
        for stack in (*self.more, self.stack):
            stack.stop_all()
        self.more.clear()

    def meter(self) -> Meter:
        """A meter of every server and process that runs."""
        return Meter(self._find_roots)

    def make_requests(self, count: int) -> list[bytes]:
        """So many purchases as HTTP requests, each of a new listing, by different buyers."""
        fill = (SELLERS[0], len(SELLERS), count)
        listings = [listing for (listing,) in self.ask("listings", ADD_LISTINGS, *fill)]
        tokens = [self._tokens[number % len(self._tokens)] for number in range(count)]
        return [
            REQUEST.format(listing=listing, token=token, key=uuid.uuid4().hex).encode()
            for listing, token in zip(listings, tokens, strict=True)
        ]

    def tidy(self) -> None:
        """Have both databases do now what would disturb a measurement later."""
        for service in ("listings", "transactions"):
            self.ask(service, "VACUUM ANALYZE")
            self.ask(service, "CHECKPOINT")

    def wait_settled(self) -> bool:
        """Wait until no order is pending; False where some are for long."""
        sql = "SELECT EXISTS (SELECT FROM listings_order WHERE status = 'pending')"
        return wait_until(lambda: not self.ask("listings", sql)[0][0], timeout_seconds=SETTLES_WITHIN_SECONDS)

    def audit(self) -> dict[str, Any]:
        """What `manage.py audit` says of databases and broker, with no patience for what is pending."""
        self.wait_settled()
        limits = ("--pending-deadline=0", "--outbox-age=1")
        report: dict[str, Any] = json.loads(manage(self.settings, "listings", "audit", "--json", *limits))
        return report

    def ask(self, service: str, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """One statement in a service's database."""
        database = self.services.listings_db if service == "listings" else self.services.transactions_db
        connection = psycopg2.connect(database.url)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def _sign_token(self, buyer: int) -> str:
        now = int(time.time())
        claims = {"token_type": "access", "user_id": str(buyer), "iss": "microstore", "jti": uuid.uuid4().hex}
        key = self.settings["JWT_PRIVATE_KEY"].replace("\\n", "\n")
        return jwt.encode({**claims, "iat": now, "exp": now + 86_400}, key, algorithm="RS256")

    def _find_roots(self) -> Mapping[str, int]:
        daemons = {name: stack[name] for stack in (*self.more, self.stack) for name in stack.commands}
        daemons |= {_describe(self.services, server): server.daemon for server in self.services.all}
        return {name: daemon.pid for name, daemon in daemons.items() if daemon.pid}


def _describe(services: Services, server: Server) -> str:
    return f"{server.name}-db" if server in (services.listings_db, services.transactions_db) else server.name
