"""The whole MicroStore on real servers, and people who use it."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import jwt
import psycopg2
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from stack.places import ROOT
from stack.processes.environment import choose_all_ports, make_environment, make_settings
from stack.processes.preparation import manage, prepare_services
from stack.processes.procfile import read_procfile
from stack.processes.stack import Stack
from stack.servers.private import RealServers
from stack.waiting import wait_until

SETTLES_WITHIN_SECONDS = 60
TOGETHER_WITHIN_SECONDS = 60
Row = tuple[Any, ...]


@dataclass
class Person:
    """Somebody with an account; sessions are theirs alone, so use one person a thread."""

    url: str
    id: int
    token: str
    session: requests.Session = field(default_factory=requests.Session)

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request with their token."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.session.request(method, self.url + path, headers=headers, timeout=30, **options)

    def sell(self, title: str = "Crunchy armchair", **fields: Any) -> int:
        """Put something on sale; returns its id."""
        body = {"title": title, "price_cents": 2500, "currency": "EUR", **fields}
        response = self.request("POST", "/api/listings/", json=body)
        assert response.status_code == 201, response.text
        return int(response.json()["id"])

    def buy(
        self, listing_id: int, *, quantity: int = 1, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Buy a listing; returns the response."""
        path = f"/api/listings/{listing_id}/buy/"
        return self.request("POST", path, json={"quantity": quantity}, headers=headers or {})

    def check_out(self, *listing_ids: int) -> requests.Response:
        """Buy one of each, or none."""
        items = [{"listing": listing_id} for listing_id in listing_ids]
        return self.request("POST", "/api/checkouts/", json={"items": items})


class Feed:
    """A browser on the live feed."""

    def __init__(self, connection: ClientConnection) -> None:
        self.events: list[dict[str, Any]] = []
        self._connection = connection
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for text in self._connection:
                frame = json.loads(text)
                self.events += frame["events"] if frame["type"] == "batch" else [frame]
        except ConnectionClosed:
            pass

    def sold_orders(self) -> list[str]:
        """The order id of each sale, duplicates included."""
        return [event["order_id"] for event in self.events if event["type"] == "item_sold"]


class Market:
    """Both services, every process of the Procfile, real servers."""

    def __init__(self, services: RealServers, folder: Path, **settings: str) -> None:
        self.services = services
        ports = choose_all_ports()
        self.settings = make_settings(folder, servers=services.environment(), ports=ports)
        # A few people buy and cancel like a crowd here.
        unbounded = ("MAX_OPEN_ORDERS", "MAX_OPEN_ORDERS_OF_LISTING", "MAX_CANCELLATIONS_PER_HOUR")
        self.settings |= (
            {"LIMITS_URL": "", "LIVE_SOCKETS_PER_ADDRESS": "2000"} | dict.fromkeys(unbounded, "0") | settings
        )
        commands = read_procfile(ROOT / "Procfile")
        del commands["flower"]
        self.stack = Stack(commands, environment=make_environment(self.settings), folder=folder)
        self.listings_url = f"http://127.0.0.1:{ports['LISTINGS_PORT']}"
        self.more_listings_urls: list[str] = []  # of API servers on other machines
        self.transactions_url = f"http://127.0.0.1:{ports['TRANSACTIONS_PORT']}"
        self.live_url = f"ws://127.0.0.1:{ports['LIVE_PORT']}"
        self._people: list[Person] = []

    def open(self) -> None:
        """Prepare the databases and start every process."""
        prepare_services(self.settings)
        self.stack.start_all()
        self.stack.wait_all_ready()

    def repair(self) -> None:
        """Start whatever a test has stopped, and close the sessions of its people."""
        while self._people:
            self._people.pop().session.close()
        self.services.start()
        down = [name for name in self.stack.commands if self.stack.pid(name) is None]
        for name in down:
            self.stack.start(name)
        for name in down:
            self.stack.wait_ready(name)

    def close(self) -> None:
        """Stop every process."""
        self.stack.stop_all()

    def manage(self, service: str, *arguments: str) -> str:
        """Run a manage.py command and return its output."""
        return manage(self.settings, service, *arguments)

    def audit(self) -> None:
        """Fail unless both databases and the broker agree and no order is pending."""
        self.manage("listings", "audit", "--pending-deadline=0")

    def add_people(self, count: int) -> list[Person]:
        """New accounts with tokens, made without the cost of hashing passwords."""
        names = [uuid.uuid4().hex for _ in range(count)]
        ids = self.listings(
            "INSERT INTO auth_user (username, password, email, first_name, last_name, is_superuser, is_staff,"
            " is_active, date_joined) SELECT name, '!', '', '', '', false, false, true, now()"
            " FROM unnest(%s) name RETURNING id",
            names,
        )
        people = [Person(self.listings_url, user_id, self.token_for(user_id)) for (user_id,) in ids]
        self._people += people
        return people

    def token_for(self, user_id: int, **claims: Any) -> str:
        """An access token as the listings service signs it."""
        now = int(time.time())
        standard = {"token_type": "access", "user_id": str(user_id), "iss": "microstore"}
        times = {"iat": now, "exp": now + 24 * 3600, "jti": uuid.uuid4().hex}
        return jwt.encode(standard | times | claims, self._key, algorithm="RS256")

    @cached_property
    def _key(self) -> RSAPrivateKey:
        """Read once: checking a key takes as long as a hundred signatures."""
        pem = self.settings["JWT_PRIVATE_KEY"].replace("\\n", "\n")
        key = load_pem_private_key(pem.encode(), password=None)
        assert isinstance(key, RSAPrivateKey)
        return key

    def listings(self, sql: str, *parameters: Any) -> list[Row]:
        """Query the listings database."""
        return _query(self.settings["LISTINGS_OWNER_DATABASE_URL"], sql, parameters)

    def transactions(self, sql: str, *parameters: Any) -> list[Row]:
        """Query the transactions database."""
        return _query(self.settings["TRANSACTIONS_OWNER_DATABASE_URL"], sql, parameters)

    @contextmanager
    def feed(self, query: str = "") -> Iterator[Feed]:
        """A browser on the public live feed."""
        with connect(f"{self.live_url}/ws/listings/{query}", open_timeout=20) as connection:
            connection.ping().wait(20)
            yield Feed(connection)

    def wait_settled(
        self, order_ids: Iterable[str], *, timeout_seconds: float = SETTLES_WITHIN_SECONDS
    ) -> Mapping[str, int]:
        """Wait until none of the orders is pending; returns how many have each status."""
        ids = list(order_ids)

        def pending() -> int:
            sql = "SELECT count(*) FROM listings_order WHERE id = ANY(%s::uuid[]) AND status = 'pending'"
            return int(self.listings(sql, ids)[0][0])

        settled = wait_until(lambda: not pending(), timeout_seconds=timeout_seconds)
        assert settled, f"{pending()} of {len(ids)} orders are still pending"
        sql = "SELECT status, count(*) FROM listings_order WHERE id = ANY(%s::uuid[]) GROUP BY status"
        return {str(status): int(count) for status, count in self.listings(sql, ids)}

    def is_quiet(self) -> bool:
        """Whether the relay has published all, and no order waits for the other service."""
        waiting = "status = 'pending' OR status = 'cancelled' AND transaction_id IS NULL"
        rows = ("messaging_outboxmessage", f"listings_order WHERE {waiting}")
        return not any(self.listings(f"SELECT 1 FROM {each} LIMIT 1") for each in rows)

    def wait_logged(self, process: str, text: str) -> bool:
        """Wait until a process has logged this; False if it has not within half a minute."""
        return wait_until(lambda: text in self.stack.log(process), timeout_seconds=30)

    def transactions_of(self, order_ids: Iterable[str]) -> list[str]:
        """The order id of every transaction row of these orders."""
        sql = "SELECT order_id::text FROM transactions_transaction WHERE order_id = ANY(%s::uuid[])"
        return [order_id for (order_id,) in self.transactions(sql, list(order_ids))]

    def available(self, listing_id: int) -> int:
        """The pieces left in stock."""
        return int(self.listings("SELECT available FROM listings_listing WHERE id = %s", listing_id)[0][0])


def at_once(people: Sequence[Person], act: Callable[[Person], Any], *, clients: int) -> list[Any]:
    """Let people act in `clients` threads, which begin at the same moment; returns their results."""
    clients = min(clients, len(people))
    start = Barrier(clients, timeout=TOGETHER_WITHIN_SECONDS)
    with ThreadPoolExecutor(clients, initializer=start.wait) as pool:
        return list(pool.map(act, people))


def _query(url: str, sql: str, parameters: Sequence[Any]) -> list[Row]:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())
    finally:
        connection.close()
