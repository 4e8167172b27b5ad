"""Rows of both services, inserted and corrupted with SQL: no code of either service runs here."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import environ
from django.db.utils import ConnectionHandler
from django.utils import timezone
from uuid_utils.compat import uuid7

MESSAGES = ("messaging_outboxmessage", "messaging_deadletter")
TABLES = {
    "listings": (
        "listings_liveevent",
        "listings_refund",
        "listings_bankaccount",
        "listings_order",
        "listings_listing",
        "auth_user",
        *MESSAGES,
    ),
    "transactions": ("transactions_transaction", *MESSAGES),
}
PRICE_CENTS, FEE_CENTS = 24_900, 100
ALICE, BOB = 1, 2


class Sale(NamedTuple):
    """An order and the id that its transaction has or would have."""

    order_id: UUID
    transaction_id: UUID


class Shop:
    """One listing of a thousand reading lamps, and whatever was ordered."""

    def __init__(self, urls: dict[str, str]) -> None:
        self.urls = urls
        configs = {name: environ.Env.db_url_config(url) for name, url in urls.items()}
        handler = ConnectionHandler({"default": {}, **configs})
        self.connections = {name: handler[name] for name in urls}
        self.lamp = 0

    def open(self) -> None:
        """Delete everything, then insert the lamps and two people."""
        self.forget_ledger()
        for service, tables in TABLES.items():
            for table in tables:
                self.run(service, f"DELETE FROM {table}")
        for number, name in ((ALICE, "alice"), (BOB, "bob")):
            self.insert("listings", "auth_user", id=number, username=name, **USER, date_joined=timezone.now())
        self.lamp = 7
        self.insert(
            "listings", "listings_listing", id=self.lamp, **LAMP, **dict.fromkeys(TIMES, timezone.now())
        )

    def close(self) -> None:
        for connection in self.connections.values():
            connection.close()

    def run(self, service: str, sql: str, *values: Any) -> None:
        with self.connections[service].cursor() as cursor:
            cursor.execute(sql, values)

    def select(self, service: str, sql: str) -> list[tuple[object, ...]]:
        with self.connections[service].cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def insert(self, service: str, table: str, **fields: object) -> None:
        marks = ", ".join(["%s"] * len(fields))
        self.run(service, f"INSERT INTO {table} ({', '.join(fields)}) VALUES ({marks})", *fields.values())

    def order(self, status: str = "pending", *, age_seconds: float = 0, **fields: object) -> Sale:
        """Insert an order of Bob's; reserve the stock if its status implies it."""
        sale = Sale(uuid7(), uuid7())
        when = timezone.now() - timedelta(seconds=age_seconds)
        sold = {
            "transaction_id": sale.transaction_id,
            "fee_cents": FEE_CENTS,
            "total_cents": PRICE_CENTS + FEE_CENTS,
        }
        settled = {"settled_at": when} if status != "pending" else {}
        given = {"id": sale.order_id, "status": status, "created_at": when, **settled}
        terms = sold if status in ("completed", "partly_refunded", "refunded") else {}
        self.insert(
            "listings", "listings_order", **{**ORDER, "listing_id": self.lamp, **given, **terms, **fields}
        )
        if status in ("pending", "completed", "partly_refunded", "refunded"):
            self.run(
                "listings", "UPDATE listings_listing SET available = available - 1 WHERE id = %s", self.lamp
            )
        return sale

    def record(self, sale: Sale, **fields: object) -> None:
        """Insert the recorded transaction of an order."""
        given = {"id": sale.transaction_id, "order_id": sale.order_id, "listing_id": self.lamp}
        row = {**TRANSACTION, **given, "created_at": timezone.now(), **fields}
        self.insert("transactions", "transactions_transaction", **row)
        self.run("transactions", "SELECT post_sales(ARRAY[%s]::uuid[], 7)", row["id"])

    def forget_ledger(self) -> None:
        """Empty the ledger, whose rows nobody deletes one by one."""
        money = ("journal", "entry", "refund", "payout", "bankaccount", "statementline")
        self.run("transactions", f"TRUNCATE {', '.join(f'transactions_{name}' for name in money)}")

    def pay_out(self, status: str = "paid", *, amount_cents: int = PRICE_CENTS) -> UUID:
        """Insert a payout of a week ago to Alice, and what a statement of today has of it."""
        account_id, payout_id, sent_at = uuid7(), uuid7(), timezone.now() - timedelta(days=7)
        given = {"id": account_id, "user_id": ALICE, "sealed": "", "masked": "DE", "trace": ORDER["trace"]}
        self.insert("listings", "listings_bankaccount", **given, created_at=sent_at, recorded_at=sent_at)
        account = {"id": account_id, "seller_id": ALICE, "sealed": "", "masked": "DE", "changed_at": sent_at}
        self.insert("transactions", "transactions_bankaccount", **account, usable_at=sent_at)
        terms: dict[str, Any] = {"amount_cents": amount_cents, "currency": "EUR"}
        back = status == "returned"
        ended = {
            "sent_at": sent_at,
            "settled_at": sent_at if back or status in ("paid", "failed") else None,
            "returned_at": sent_at if back else None,
        }
        texts = dict.fromkeys(("batch", "reference", "reason"), "")
        row = {"id": payout_id, "seller_id": ALICE, "bank_account_id": account_id, "provider": "file"}
        moments = {"available_at": sent_at, "created_at": sent_at, **ended}
        self.insert("transactions", "transactions_payout", **row, **terms, **texts, **moments, status=status)
        self.run("transactions", "SELECT post_payouts(ARRAY[%s]::uuid[])", payout_id)
        if back or status == "paid":
            self.book(payout_id, **terms)
        if back:
            self.book(payout_id, **terms | {"amount_cents": -amount_cents})
        return payout_id

    def book(self, payout_id: UUID | None, *, occurrence: int = 1, **terms: object) -> None:
        """Insert a line of a bank's statement."""
        line = {"reference": str(payout_id), "payout_id": payout_id, "booked_on": timezone.now().date()}
        texts = {"problem": "", "statement": "a.csv", "occurrence": occurrence}
        self.insert("transactions", "transactions_statementline", **line, **texts, **terms)

    def refund(
        self, sale: Sale, amount_cents: int = PRICE_CENTS + FEE_CENTS, *, fee_cents: int = FEE_CENTS
    ) -> UUID:
        """Insert what a refund leaves behind in both services; no stock goes back."""
        refund_id = uuid7()
        given = {
            "id": refund_id,
            "order_id": sale.order_id,
            "amount_cents": amount_cents,
            "fee_cents": fee_cents,
        }
        row = {**given, "status": "refunded", "reason": "A leg is loose", "refusal": ""}
        ours = {"requested_by_id": ALICE, "return_quantity": 0, "request_hash": ""}
        self.insert("listings", "listings_refund", **row, **ours)
        theirs = {"transaction_id": sale.transaction_id, "listing_id": self.lamp, "currency": "EUR"}
        when = {"trace": ORDER["trace"], "created_at": timezone.now()}
        self.insert("transactions", "transactions_refund", **row, **theirs, **when)
        self.run("transactions", "SELECT post_refunds(ARRAY[%s]::uuid[])", refund_id)
        self.run(
            "listings",
            "UPDATE listings_order SET refunded_cents = refunded_cents + %s, status = CASE WHEN"
            " refunded_cents + %s = total_cents THEN 'refunded' ELSE 'partly_refunded' END WHERE id = %s",
            *(amount_cents, amount_cents, sale.order_id),
        )
        return refund_id

    def refuse(self, sale: Sale) -> None:
        """Insert a refused transaction of an order."""
        self.record(sale, status="refused", fee_cents=None, total_cents=None, reason="no fee is set for XTS")

    def add_live_event(self, sale: Sale) -> None:
        """Insert the `item_sold` event of an order."""
        event = {"type": "item_sold", "order_id": sale.order_id, "listing_id": self.lamp, "payload": "{}"}
        self.insert("listings", "listings_liveevent", **event, created_at=timezone.now())

    def sell(self, *, age_seconds: float = 0) -> Sale:
        """Insert everything that a completed purchase leaves behind."""
        sale = self.order("completed", age_seconds=age_seconds)
        self.record(sale)
        self.add_live_event(sale)
        return sale

    def add_outbox_message(self, service: str, *, age_seconds: float) -> None:
        when = timezone.now() - timedelta(seconds=age_seconds)
        row = {
            "contract": "order_created",
            "payload": "{}",
            "created_at": when,
            "due_at": when,
            "attempts": 3,
        }
        self.insert(service, "messaging_outboxmessage", **row)

    def add_dead_letter(self, service: str, *, state: str) -> None:
        row = {
            "fingerprint": uuid7().hex,
            "contract": "order_created",
            "headers": "{}",
            "error": "?",
            "traceback": "",
        }
        times = dict.fromkeys(("created_at", "died_at"), timezone.now())
        more = {"attempts": 3, "trace": "", "state": state, "decided_by": ""}
        self.insert(service, "messaging_deadletter", **row, **more, **times)


USER = {
    "password": "!",
    "email": "",
    "first_name": "",
    "last_name": "",
    "is_superuser": False,
    "is_staff": False,
    "is_active": True,
}
TIMES = ("created_at", "updated_at")
LAMP = {
    "seller_id": ALICE,
    "title": "Reading lamp",
    "description": "",
    "category": "furniture",
    "price_cents": PRICE_CENTS,
    "currency": "EUR",
    "quantity": 1000,
    "available": 1000,
    "status": "on_sale",
}
ORDER = {
    "buyer_id": BOB,
    "quantity": 1,
    "unit_price_cents": PRICE_CENTS,
    "currency": "EUR",
    "reason": "",
    "trace": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "request_hash": "",
}
TRANSACTION = {
    "buyer_id": BOB,
    "seller_id": ALICE,
    "quantity": 1,
    "price_cents": PRICE_CENTS,
    "currency": "EUR",
    "status": "recorded",
    "fee_cents": FEE_CENTS,
    "total_cents": PRICE_CENTS + FEE_CENTS,
    "fee_rule": "",
    "fee_breakdown": "{}",
    "reason": "",
    "trace": ORDER["trace"],
}
