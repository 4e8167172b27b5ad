"""Messages that no worker can handle, published as they are, below Celery and kombu."""

import json
import os
import re
import signal
import zlib
from calendar import timegm
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from struct import pack
from typing import Any, Self
from uuid import uuid4

import amqp
from kombu.utils.url import parse_url

from microstore.messaging import topology

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FOREVER = datetime(9999, 1, 1, tzinfo=UTC).isoformat()
EMPTY = b"[[[]], {}, {}]"

LATE = datetime(9999, 12, 31, tzinfo=UTC)
MILLISECONDS = 1_700_000_000_000  # taken for seconds: the year 55840


class LateMessage(amqp.Message):
    """Says on the wire what py-amqp cannot: MILLISECONDS in place of LATE."""

    def _serialize_properties(self) -> bytes:
        straight: bytes = super()._serialize_properties()  # type: ignore[misc]  # its stubs lack it
        late, milliseconds = (pack(">cQ", b"T", time) for time in (timegm(LATE.utctimetuple()), MILLISECONDS))
        return straight.replace(late, milliseconds)


@dataclass(frozen=True)
class Poison:
    """A message. Headers are those of a good one, but for the changes; None leaves one out."""

    body: bytes | str = EMPTY
    headers: Mapping[str, Any] | None = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    is_readable: bool = True  # its headers are
    dead_lettered: bool = False  # the consumer could read it, and keeps its events instead of the raw body

    def publish(self, channel: amqp.Channel, *, service: str, mark: str) -> None:
        """Put it on the service's queue."""
        usual: dict[str, Any] = {"content_type": "application/json", "content_encoding": "utf-8"}
        if self.headers is not None:
            good = {"task": task_of(service), "id": mark, "lang": "py", "mark": mark}
            headers = {name: value for name, value in {**good, **self.headers}.items() if value is not None}
            usual |= {"application_headers": headers}
        message = LateMessage(self.body_for(mark), **usual | dict(self.properties))
        channel.basic_publish(message, exchange=topology.TASKS.name, routing_key=f"task.{service}")

    def body_for(self, mark: str) -> bytes:
        """The body, MARK replaced where it stands."""
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return body.replace(b"MARK", mark.encode())

    @property
    def event(self) -> object:
        """The one event in its body."""
        return json.loads(self.body)[0][0][0]


def task_of(service: str) -> str:
    """What the service does for others."""
    return {"listings": "listings.item_sold", "transactions": "transactions.order_created"}[service]


def event(service: str, **changes: Any) -> dict[str, Any]:
    """A good event for the service, but for the changes."""
    common = {"event_id": str(uuid4()), "occurred_at": datetime.now(UTC).isoformat(), "trace": TRACE}
    order = {"order_id": str(uuid4()), "listing_id": 1}
    own: dict[str, dict[str, Any]] = {
        "listings": {"transaction_id": str(uuid4()), "fee_cents": 1, "total_cents": 2},
        "transactions": {
            "buyer_id": 2,
            "seller_id": 1,
            "quantity": 1,
            "unit_price_cents": 1,
            "currency": "EUR",
        },
    }
    return common | order | own[service] | changes


def one(service: str, embed: object = None, *, kwargs: object = None, **changes: Any) -> str:
    """The body of a message with one event."""
    return json.dumps([[[event(service, **changes)]], kwargs or {}, embed or {}])


def step(**changes: Any) -> dict[str, Any]:
    """A step of a chain that points to nowhere."""
    return {"task": "nowhere.nothing", "args": [], "kwargs": {}, "options": {}, "immutable": False} | changes


def deep(levels: int) -> dict[str, Any]:
    """A table in a table in a table."""
    table: dict[str, Any] = {}
    for _ in range(levels):
        table = {"t": table}
    return table


def kinds(service: str) -> dict[str, Poison]:
    """Everything that can be wrong with a message, by name."""
    return {
        # ---- the body
        "empty": Poison(b""),
        "not JSON": Poison(b"this is no JSON"),
        "not text": Poison(b"\xff\xfe\x00\x80"),
        "half a JSON": Poison(b'[[[{"order_id": "'),
        "a number": Poison(b"5"),
        "null": Poison(b"null"),
        "an object": Poison(b'{"order_id": 1}'),
        "too short": Poison(b"[[]]"),
        "too long": Poison(b"[[], {}, {}, {}]"),
        "arguments are a text": Poison(b'["armchair", {}, {}]'),
        "arguments that the task lacks": Poison(b"[[[], 1, 2], {}, {}]"),
        "no list of events": Poison(b'[["armchair"], {}, {}]'),
        "keyword arguments that the task lacks": Poison(b'[[[]], {"colour": "green"}, {}]'),
        "an outage since no time": Poison(one(service, kwargs={"failing_since": float("nan")})),
        "tries that are no numbers": Poison(one(service, kwargs={"attempts": "many", "failing_since": []})),
        "nested too deep to read": Poison(b"[" * 200_000),
        "a number too long to read": Poison(b"[[[" + b"1" * 10_000 + b"]], {}, {}]"),
        "a kombu type that is none": Poison(b'[[[{"__type__": "uuid", "__value__": "MARK"}]], {}, {}]'),
        "10 MB of nothing": Poison(b" " * 10_000_000 + b"MARK"),
        "10 MB of JSON": Poison(json.dumps([["MARK" + "x" * 10_000_000], {}, {}])),
        # ---- how it is written
        "unknown content type": Poison(properties={"content_type": "application/x-rubbish"}),
        "pickle": Poison(properties={"content_type": "application/x-python-serialize"}),
        "no content type": Poison(b"MARK", properties={"content_type": None}),
        "unknown content encoding": Poison(properties={"content_encoding": "utf-99"}),
        "wrong content encoding": Poison(properties={"content_encoding": "utf-16"}),
        "compressed by its header alone": Poison(headers={"compression": "application/x-gzip"}),
        "compressed by nobody knows what": Poison(headers={"compression": "application/x-magic"}),
        "compressed half": Poison(zlib.compress(EMPTY)[:-4], headers={"compression": "application/x-gzip"}),
        "compression that is a table": Poison(headers={"compression": {"a": 1}}),
        # ---- headers
        "no headers at all": Poison(b"MARK", headers=None),
        "no headers, but good arguments": Poison(b'[[["MARK"]], {}, {}]', headers=None),
        "unknown task": Poison(headers={"task": f"{service}.unheard_of"}),
        "unknown version of the contract": Poison(headers={"task": f"{task_of(service)}.v9"}),
        "task of the other service": Poison(
            headers={"task": task_of("listings" if service == "transactions" else "transactions")}
        ),
        "a task of Celery's own": Poison(headers={"task": "celery.backend_cleanup"}),
        "task that is a number": Poison(headers={"task": 5}),
        "task that is a table": Poison(headers={"task": {"a": 1}}),
        "no id": Poison(b'[[["MARK"]], {}, {}]', headers={"id": None}),
        "id that is a number": Poison(headers={"id": 5}),
        "id that is a table": Poison(headers={"id": {"a": [1]}}),
        "lang that is a list": Poison(headers={"lang": ["py", {"a": 1}]}),
        "retries that are a text": Poison(one(service), headers={"retries": "often"}),
        "eta that is no time": Poison(headers={"eta": "soon"}),
        "eta that is a number": Poison(headers={"eta": 5}),
        "eta in eight thousand years": Poison(one(service), headers={"eta": FOREVER}),
        "expired long ago": Poison(one(service), headers={"expires": "2001-01-01T00:00:00+00:00"}),
        "expires, who knows when": Poison(one(service), headers={"expires": "soon"}),
        "time limit that is a text": Poison(headers={"timelimit": "short"}),
        "time limit of texts": Poison(one(service), headers={"timelimit": ["a", "b"]}),
        "time limit of three": Poison(headers={"timelimit": [1, 2, 3]}),
        "time limit of no time": Poison(one(service), headers={"timelimit": [-1, -1]}),
        "root that is a table": Poison(one(service), headers={"root_id": {"a": 1}}),
        "group that is a table": Poison(one(service), headers={"group": {"a": 1}}),
        "shadow that is a table": Poison(headers={"shadow": {"a": 1}}),
        "stamps that are a number": Poison(one(service), headers={"stamped_headers": 5, "stamps": 5}),
        "stamps that are tables": Poison(one(service), headers={"stamped_headers": [{"a": 1}]}),
        "result wanted": Poison(headers={"ignore_result": {"a": 1}}),
        "huge header": Poison(headers={"task": "huge", "colour": "green" * 20_000}),
        "header with a zero byte": Poison(headers={"task": "nul\0", "colour\0": "green\0"}),
        "header with half a character": Poison(headers={"task": "\ud800", "colour": "\udfff"}),
        "header of bytes": Poison(headers={"task": b"\xff\xfe"}),
        "nested tables": Poison(headers={"task": "nested", "colour": deep(100)}),
        "deliveries that no broker has counted": Poison(
            headers={"task": "counted", "x-delivery-count": 2**62}
        ),
        "time in milliseconds": Poison(b'[[["MARK"]], {}, {}]', headers={"sent_at": LATE}, is_readable=False),
        # Celery makes attributes of one object of the headers and of the body's last part.
        "chain among the headers": Poison(one(service), headers={"chain": [step()]}),
        "callbacks among the headers": Poison(one(service), headers={"callbacks": [step()]}),
        "errbacks among the headers": Poison(one(service), headers={"errbacks": [step()]}),
        "chord among the headers": Poison(one(service), headers={"chord": step()}),
        "method of the request": Poison(one(service), headers={"get": 5}),
        "method of the request in the body": Poison(one(service, {"get": 5})),
        "id in the body's last part": Poison(one(service, {"id": {"a": 1}})),
        "delivery in the body's last part": Poison(one(service, {"delivery_info": 5})),
        "own headers that are no table": Poison(one(service), headers={"headers": 5}),
        # ---- what Celery does next
        "embedded number": Poison(b"[[[]], {}, 5]"),
        "chain to nowhere": Poison(one(service, {"chain": [step()]})),
        "chain that is a text": Poison(one(service, {"chain": "armchair"})),
        "chain of numbers": Poison(one(service, {"chain": [5]})),
        "chain into a queue that is none": Poison(
            one(service, {"chain": [step(task=task_of(service), options={"queue": "nowhere"})]})
        ),
        "callback to nowhere": Poison(one(service, {"callbacks": [step()]})),
        "errback to nowhere": Poison(b'[["armchair"], {}, {"errbacks": [{"task": "nowhere.nothing"}]}]'),
        "errbacks that are a number": Poison(b'[["armchair"], {}, {"errbacks": 5}]'),
        "chord to nowhere": Poison(one(service, {"chord": step()})),
        # ---- Celery's old protocol
        "protocol 1": Poison(
            json.dumps({"task": task_of(service), "id": "MARK", "args": [[]], "kwargs": {}}), headers=None
        ),
        "protocol 1 with rubbish": Poison(
            b'{"task": "MARK", "id": 5, "args": 5, "kwargs": [], "retries": "x"}', headers=None
        ),
        "protocols 1 and 2 in one": Poison(
            json.dumps({"task": task_of(service), "id": "MARK", "args": [[]], "kwargs": {}})
        ),
        # ---- events
        "event that is null": Poison(b"[[[null]], {}, {}]", dead_lettered=True),
        "event of the wrong kind": Poison(one(service, order_id="armchair"), dead_lettered=True),
        "event with a text for a number": Poison(one(service, listing_id="8"), dead_lettered=True),
        "event with a number beyond all": Poison(one(service, listing_id=-(10**30)), dead_lettered=True),
        "event of yesterday's contract": Poison(one(service, trace=None), dead_lettered=True),
        "event with a table deep inside": Poison(
            one(service, listing_id=[{"a": [{"b": 1}]}]), dead_lettered=True
        ),
    }


class Killer:
    """Kills the child of a worker that is stopped in the insert of one order, each time that it comes."""

    def __init__(self, market: Any, order_id: str) -> None:
        self.market, self.order_id, self.killed = market, order_id, 0

    def __enter__(self) -> Self:
        self.market.transactions(
            "CREATE FUNCTION stop_there() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$; "
            "CREATE TRIGGER stop_there BEFORE INSERT ON transactions_transaction FOR EACH ROW"
            f" WHEN (NEW.order_id = '{self.order_id}') EXECUTE FUNCTION stop_there(); SELECT 1"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.market.transactions("DROP FUNCTION stop_there() CASCADE; SELECT 1")

    def kill(self) -> None:
        """Kill whoever has it now."""
        sleeping = "SELECT pid, client_port FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        for backend, port in self.market.transactions(sleeping):
            children = self.market.stack["transactions-worker"].family()[1:]
            for child in owners_of(port, children):
                os.kill(child, signal.SIGKILL)
                self.killed += 1
            self.market.transactions("SELECT pg_terminate_backend(%s)", backend)


def owners_of(port: int, pids: list[int]) -> Iterator[int]:
    """Those of the processes that have a TCP connection from this port of loopback."""
    for pid in pids:
        try:
            sockets = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
        except OSError:
            continue
        if sockets & {f"socket:[{inode}]" for inode in inodes_of(port)}:
            yield pid


def inodes_of(port: int) -> list[str]:
    """The sockets that are bound to this port at their near end."""
    near_end = re.compile(rf"^\s*\d+: [0-9A-F]+:{port:04X} (?:\S+\s+){{7}}(\d+)", re.MULTILINE)
    return near_end.findall(Path("/proc/net/tcp").read_text())


def connect(url: str) -> amqp.Connection:
    """A connection that confirms what is published."""
    parts = parse_url(url)
    return amqp.Connection(
        f"{parts['hostname']}:{parts['port']}",
        userid=parts["userid"],
        password=parts["password"],
        confirm_publish=True,
    )
