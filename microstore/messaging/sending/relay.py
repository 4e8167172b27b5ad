"""Relay: publishes this service's outbox, and collects its dead letters from the broker."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

import structlog
from celery import Celery
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from kombu import Connection
from kombu.exceptions import KombuError

from microstore.contracts.contract import AnyContract, InvalidMessage
from microstore.database.standby import open_session, wait_for_standby
from microstore.messaging import metrics, topology
from microstore.messaging.dead_letters import store
from microstore.messaging.models import OutboxMessage
from microstore.messaging.project import registry
from microstore.messaging.sending.publisher import Batch, BrokerSilent, Publisher
from microstore.messaging.sending.wakeup import Wakeup
from microstore.telemetry import otel

log = structlog.get_logger(__name__)

CLAIM_ROWS = 500  # published at once, at most
QUIET_PACE_SECONDS = 0.025  # between two rounds, at least
BUSY_PACE_SECONDS = 0.1  # the same after a round that carried several messages: under load batches gather
COLLECT_EVERY_SECONDS = 1.0
PAUSE_SECONDS = (0.5, 1, 2, 5)  # after the first, second, … failure in a row
LONGEST_BACKOFF_SECONDS = 30  # until a refused message is tried again


class Row(NamedTuple):
    """Columns of an outbox row that the relay needs."""

    id: int
    contract: str
    payload: dict[str, object]
    attempts: int


class Relay:
    """A relay; any number of them work beside each other."""

    def __init__(self, app: Celery) -> None:
        self.publisher = Publisher(app)
        self.standby = open_session()
        self.wakeup = Wakeup()
        self.stopping = threading.Event()
        self._due_sql = due_sql()
        self._failures = 0
        self._declared = False
        self._collect_at = 0.0
        self._next_round_at = 0.0
        broker = app.connection_for_write()
        self._outages = (
            *broker.connection_errors,
            *broker.channel_errors,
            *(OSError, KombuError, BrokerSilent, DatabaseError),
        )

    def run(self) -> None:
        """Publish until `stopping` is set; the batch under way is finished."""
        called = False
        while not self.stopping.is_set():
            try:
                busy = self.step(called=called)
                self._failures = 0
                called = not busy and self.wakeup.sleep(COLLECT_EVERY_SECONDS, unless=self._is_due)
            except self._outages as error:
                called = False
                self._pause(error)
        self.close()

    def close(self) -> None:
        """Close the connections that are this relay's own."""
        self.publisher.close()
        self.standby.close()

    def step(self, *, called: bool = False) -> bool:
        """Collect dead letters and publish due rows; return whether more may be due.

        `called` skips the query for due rows: the sender has woken this relay.
        """
        if time.monotonic() >= self._collect_at:
            self._look_after(self.publisher.connection())
            self._collect_at = time.monotonic() + COLLECT_EVERY_SECONDS
        if not (called or self._is_due()):
            return False
        self.stopping.wait(max(0.0, self._next_round_at - time.monotonic()))
        started_at = time.monotonic()
        rows = self.publish_due()
        self._next_round_at = started_at + pace_seconds(rows)
        return rows > 0

    def publish_due(self) -> int:
        """Publish due rows and delete those that the broker has confirmed; return how many were claimed.

        The rows stay locked meanwhile, so that no other relay takes them. If this process dies between the
        confirm and the delete, the database unlocks them and the next relay publishes them a second time.
        They are published once the standby has them, too.
        """
        with transaction.atomic():
            rows = claim()
            if rows:
                wait_for_standby(self.standby)
            batches, unfit = pack(rows)
            carriers = (payload for batch in batches for payload in batch.payloads)
            with metrics.confirming(batches), otel.of_messages("relay", kind="PRODUCER", carriers=carriers):
                self.publisher.publish(batches)
            delete_rows([key for batch in batches if not batch.refusals for key in batch.keys])
            for batch in batches:
                if batch.refusals:
                    postpone(batch.keys, batch.attempts, contract=batch.contract.name, why=batch.refusals[0])
            for row, why in unfit:  # They wait for a release that knows them, and hold up nothing.
                postpone([row.id], row.attempts, contract=row.contract, why=why)
        return len(rows)

    def _is_due(self) -> bool:
        return is_due(self._due_sql)

    def _look_after(self, broker: Connection) -> None:
        # After every failure: the broker may have lost its queues with its data.
        if not self._declared:
            topology.declare_missing(broker)
            self._declared = True
        try:
            store.collect(broker)
        except self._outages:
            raise
        except Exception:  # whatever is wrong with a letter, it must not hold up what is good
            log.exception("letter_not_collected")

    def _pause(self, error: Exception) -> None:
        seconds = PAUSE_SECONDS[min(self._failures, len(PAUSE_SECONDS) - 1)]
        self._failures += 1
        self._declared = False
        metrics.PAUSES.inc()
        log.warning("relay_paused", error=repr(error), seconds=seconds)
        self.close()
        connection.close()
        self.stopping.wait(seconds)


def pace_seconds(rows: int) -> float:
    """Return how long a round of so many rows lasts: after a full one the next begins at once."""
    if rows >= CLAIM_ROWS:
        return 0
    return BUSY_PACE_SECONDS if rows > 1 else QUIET_PACE_SECONDS


def due_sql() -> str:
    """Return the query for due rows; compiling it costs more than running it, so it is compiled once."""
    return plain_sql(OutboxMessage.objects.filter(due_at__lte=Now()).values("id")[:1])


def plain_sql(queryset: QuerySet[OutboxMessage, Any]) -> str:
    """Return the SQL of a query without parameters."""
    sql, params = queryset.query.sql_with_params()
    assert not params
    return sql


def is_due(sql: str) -> bool:
    """Return whether any message waits to be published now."""
    with connection.cursor() as cursor:
        cursor.execute(sql, ())  # parameters, though none: Django escapes % as if there were
        return cursor.fetchone() is not None


def claim() -> Sequence[Row]:
    """Return the oldest due rows that no other relay has locked."""
    with connection.cursor() as cursor:
        cursor.execute(claim_sql(), ())
        return [Row(key, name, json.loads(text), attempts) for key, name, text, attempts in cursor.fetchall()]


@cache
def claim_sql() -> str:
    """Return the claiming query, compiled once inside a transaction."""
    due = OutboxMessage.objects.filter(due_at__lte=Now()).order_by("due_at", "id")
    return plain_sql(due.select_for_update(skip_locked=True).values_list(*Row._fields)[:CLAIM_ROWS])


def pack(rows: Sequence[Row]) -> tuple[list[Batch], list[tuple[Row, str]]]:
    """Return batches of one contract each, OUTBOX_BATCH rows at most, and rows with why they fit none."""
    by_contract: dict[tuple[AnyContract, bool], list[Row]] = defaultdict(list)
    unfit: list[tuple[Row, str]] = []
    for row in rows:
        try:
            contract = find_contract(row)
            # Under its task's name a command waits to be sent again, without its fact.
            by_contract[contract, row.contract == contract.name].append(row)
        except InvalidMessage as error:
            unfit.append((row, str(error)))
    batches: list[Batch] = []
    size = settings.OUTBOX_BATCH
    for (contract, with_fact), group in by_contract.items():
        for start in range(0, len(group), size):
            part = group[start : start + size]
            attempts = max(row.attempts for row in part)
            payloads, keys = [row.payload for row in part], [row.id for row in part]
            batches.append(Batch(contract, payloads, keys, attempts, with_fact))
    return batches, unfit


def find_contract(row: Row) -> AnyContract:
    """Return the contract that the row fits; raises InvalidMessage where there is none.

    Such a row is of a newer release that was rolled back, or SQL or a person has written it.
    """
    contract = registry().find(row.contract)
    if contract is None:
        raise InvalidMessage(f"{row.contract}: there is no such contract")
    contract.parse(row.payload)
    return contract


def delete_rows(keys: Sequence[int]) -> None:
    """Delete the outbox rows of these ids."""
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {OutboxMessage._meta.db_table} WHERE id = ANY(%s)", [list(keys)])  # noqa: S608


def postpone(keys: Sequence[int], attempts: int, *, contract: str, why: str) -> None:
    """Make rows that were refused due later, so that they do not hold up the others."""
    log.error("outbox_refused", contract=contract, messages=len(keys), why=why)
    seconds = min(2**attempts, LONGEST_BACKOFF_SECONDS)
    OutboxMessage.objects.filter(id__in=keys).update(
        attempts=F("attempts") + 1, due_at=Now() + timedelta(seconds=seconds)
    )
