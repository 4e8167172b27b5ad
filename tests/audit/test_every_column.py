"""A change of any column that money or stock depends on is found, or refused by the database."""

import pytest
from django.db import IntegrityError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from audit.check import count_disagreements
from audit.cross_database import Comparison
from audit.ledger import check_ledger
from audit.payouts import check_payouts
from audit.refunds import check_refunds
from audit.sellers import check_sellers
from audit.single_database import check_listings
from audit.snapshot import Snapshot
from audit.snapshots import Snapshots
from tests.audit.shop import FEE_CENTS, PRICE_CENTS, Shop
from tests.audit.test_no_disagreements import LIMITS

TIMES = "when something happened; nothing is computed from it but how long it waits"
TEXTS = "for people to read"
CHOSEN = "of the future: what is sold next, or sent next"
# By table, the columns that may have any value; each of the others is changed, one after the other.
FREE = {
    "listings_listing": {
        TEXTS: "title description category edition picture_id withdrawn_reason",
        TIMES: "created_at updated_at",
        CHOSEN: "price_cents currency status restored_as",
    },
    "listings_order": {
        TEXTS: "edition checkout_id reason trace fee_rule fee_version idempotency_key request_hash",
        TIMES: "created_at settled_at resent_at",
    },
    "listings_refund": {
        TEXTS: "requested_by_id reason refusal idempotency_key request_hash",
        TIMES: "created_at settled_at resent_at",
    },
    "listings_bankaccount": {TEXTS: "sealed trace", TIMES: "created_at recorded_at resent_at"},
    "transactions_transaction": {
        TEXTS: "title description category picture fee_rule fee_breakdown reason trace",
        TIMES: "created_at voided_at",
    },
    "transactions_refund": {TEXTS: "reason refusal trace", TIMES: "created_at"},
    "transactions_journal": {TIMES: "occurred_at posted_in"},
    "transactions_entry": {"its place in its journal": "id", "the hold is a setting": "available_at"},
    "transactions_payout": {
        TEXTS: "provider batch reference reason",
        TIMES: "available_at created_at sent_at looked_up_at settled_at returned_at",
    },
    "transactions_bankaccount": {CHOSEN: "sealed seller_left", TIMES: "changed_at usable_at replaced_at"},
    "transactions_statementline": {
        TEXTS: "id reference problem statement",
        TIMES: "booked_on occurrence read_at",
    },
}
OTHER = {
    "currency": "'USD'",
    "masked": "'FR'",
    "account": "CASE account WHEN 'bank' THEN 'fee_income' ELSE 'bank' END",
}
OTHER_STATUS = {
    "listings_order": "cancelled",
    "listings_refund": "refused",
    "transactions_transaction": "voided",
    "transactions_refund": "refused",
    "transactions_payout": "failed",
    "transactions_journal": "void",
}
COLUMNS = """
    SELECT column_name, data_type FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = '{}' ORDER BY ordinal_position
"""


@pytest.mark.parametrize("table", FREE)
def test_a_change_of_one_value_is_found_or_refused(shop: Shop, table: str) -> None:
    sell_refund_void_and_pay(shop)
    assert found(shop) == 0
    service = table.partition("_")[0]
    free = set(" ".join(FREE[table].values()).split())
    columns = shop.select(service, COLUMNS.format(table))
    assert free <= {str(name) for name, _ in columns}
    unseen = [
        f"{name} of {where}"
        for name, kind in columns
        if name not in free
        for where in rows_of(shop, service, table)
        if not is_noticed(shop, service, table, where, f"{name} = {other(table, str(name), str(kind))}")
    ]
    assert unseen == []


def sell_refund_void_and_pay(shop: Shop) -> None:
    shop.sell()
    shop.refund(shop.sell(), PRICE_CENTS // 2, fee_cents=FEE_CENTS // 2)
    cancelled = shop.order("cancelled")
    shop.record(cancelled)
    shop.run(
        "transactions",
        "UPDATE transactions_transaction SET status = 'voided', voided_at = now() WHERE order_id = %s",
        cancelled.order_id,
    )
    shop.run("transactions", "SELECT post_voids(ARRAY[%s]::uuid[])", cancelled.transaction_id)
    shop.pay_out("returned")


class Uncommitted(Snapshot):
    """A database as the shop's own transaction sees it, so that nothing is committed for an audit to read."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection, self.taken_at = connection, timezone.now()


class UncommittedShop(Snapshots):
    """Both databases of the shop."""

    def __init__(self, shop: Shop) -> None:
        self.listings, self.transactions = map(Uncommitted, shop.connections.values())
        self.limits = LIMITS

    def listings_later(self) -> Snapshot:
        return self.listings


def found(shop: Shop) -> int:
    taken = UncommittedShop(shop)
    money = [*check_ledger(taken), *check_refunds(taken), *check_payouts(taken), *check_sellers(taken)]
    return count_disagreements([*check_listings(taken), *Comparison(taken).run(), *money])


def rows_of(shop: Shop, service: str, table: str) -> list[str]:
    """Conditions that choose a row each: every entry, and the first row of other tables."""
    rows = [str(key) for (key,) in shop.select(service, f"SELECT id FROM {table} ORDER BY id")]
    return [f"id = '{key}'" for key in (rows if table == "transactions_entry" else rows[:1])]


def other(table: str, name: str, kind: str) -> str:
    if name in ("status", "kind"):
        return f"'{OTHER_STATUS[table]}'"
    return OTHER.get(name) or ("gen_random_uuid()" if kind == "uuid" else f"coalesce({name}, 0) + 1")


def is_noticed(shop: Shop, service: str, table: str, where: str, change: str) -> bool:
    connection = shop.connections[service]
    connection.set_autocommit(False)
    try:
        # Without triggers and foreign keys, as for whoever may drop them.
        shop.run(service, "SET LOCAL session_replication_role = replica")
        shop.run(service, f"UPDATE {table} SET {change} WHERE {where}")
        return found(shop) > 0
    except IntegrityError:
        return True
    finally:
        connection.rollback()
        connection.set_autocommit(True)
