"""Each check finds its own kind of corruption, and names the row."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.audit.conftest import RunAudit
from tests.audit.shop import FEE_CENTS, PRICE_CENTS, Sale, Shop

HOUR_SECONDS, WEEK_SECONDS = 3600, 7 * 24 * 3600
Spoil = Callable[[Shop, Sale], object]


def change_order(sql: str) -> Spoil:
    """Change a completed order."""
    return lambda shop, sale: shop.run(
        "listings", f"UPDATE listings_order SET {sql} WHERE id = %s", sale.order_id
    )


def change_transaction(sql: str, *values: object) -> Spoil:
    """Change its transaction."""
    return lambda shop, sale: shop.run(
        "transactions",
        f"UPDATE transactions_transaction SET {sql} WHERE order_id = %s",
        *values,
        sale.order_id,
    )


@pytest.mark.parametrize(
    ("spoil", "checks", "problem"),
    [
        pytest.param(
            lambda shop, sale: shop.run(
                "transactions", "DELETE FROM transactions_transaction WHERE order_id = %s", sale.order_id
            ),
            {"sold", "sums", "ledger"},
            "completed, with 0 recorded transactions",
            id="no transaction",
        ),
        pytest.param(
            change_transaction("status = 'refused', fee_cents = NULL, total_cents = NULL"),
            {"sold", "sums", "ledger"},
            "completed, with 0 recorded transactions",
            id="a refused transaction",
        ),
        pytest.param(
            change_order("fee_cents = 101"), {"sold"}, "fee_cents 101, but 100 recorded", id="another fee"
        ),
        pytest.param(
            change_order("total_cents = 1"),
            {"sold", "sums"},
            f"total_cents 1, but {PRICE_CENTS + FEE_CENTS} recorded",
            id="another total",
        ),
        pytest.param(
            change_order("unit_price_cents = 1"),
            {"sold"},
            f"price_cents 1, but {PRICE_CENTS} recorded",
            id="another price",
        ),
        pytest.param(
            change_transaction("currency = 'JPY'"),
            {"sold", "sums", "ledger"},
            "currency EUR, but JPY recorded",
            id="another currency",
        ),
        pytest.param(
            change_transaction("listing_id = 8"),
            {"sold", "sellers"},
            "listing_id 7, but 8 recorded",
            id="another listing",
        ),
        pytest.param(
            change_transaction("buyer_id = 3"),
            {"sold", "ledger"},
            "buyer_id 2, but 3 recorded",
            id="another buyer",
        ),
        pytest.param(
            change_transaction("quantity = 2"), {"sold"}, "quantity 1, but 2 recorded", id="another quantity"
        ),
    ],
)
def test_a_completed_order_without_an_equal_transaction_is_found(
    shop: Shop, run_audit: RunAudit, spoil: Spoil, checks: set[str], problem: str
) -> None:
    shop.sell()
    sale = shop.sell()
    spoil(shop, sale)
    audit = run_audit()
    assert audit.exit_code == 1
    assert audit.found.keys() == checks
    assert audit.found["sold"] == [f"order {sale.order_id}"]
    assert audit.problems("sold") == [problem]


def test_a_completed_order_that_names_another_transaction_is_found(shop: Shop, run_audit: RunAudit) -> None:
    sale, other = shop.sell(), uuid4()
    sql = "UPDATE listings_order SET transaction_id = %s WHERE id = %s"
    shop.run("listings", sql, other, sale.order_id)
    audit = run_audit()
    assert (audit.exit_code, audit.found) == (1, {"sold": [f"order {sale.order_id}"]})
    assert audit.problems("sold") == [f"transaction_id {other}, but {sale.transaction_id} recorded"]


def test_an_order_with_two_transactions_is_found(shop: Shop, run_audit: RunAudit) -> None:
    sale = shop.sell()
    constraint = "transactions_transaction_order_id_key"
    shop.run("transactions", f"ALTER TABLE transactions_transaction DROP CONSTRAINT {constraint}")
    try:
        shop.record(Sale(sale.order_id, uuid4()))
        audit = run_audit()
    finally:
        shop.run("transactions", "DELETE FROM transactions_transaction")
        shop.run(
            "transactions",
            f"ALTER TABLE transactions_transaction ADD CONSTRAINT {constraint} UNIQUE (order_id)",
        )
    assert audit.exit_code == 1
    assert audit.found == {"sold": [f"order {sale.order_id}"], "sums": ["EUR"]}
    assert audit.problems("sums") == ["25000 in orders, 50000 in their transactions"]


@pytest.mark.parametrize("change", [-1, -400])
def test_missing_stock_is_found(shop: Shop, run_audit: RunAudit, change: int) -> None:
    shop.sell()
    shop.run("listings", "UPDATE listings_listing SET available = available + %s", change)
    audit = run_audit()
    assert (audit.exit_code, audit.found) == (1, {"stock": ["listing 7"]})
    assert audit.problems("stock") == [f"of 1000 there are {999 + change} available and 1 ordered"]


def test_stock_sold_twice_is_found(shop: Shop, run_audit: RunAudit) -> None:
    for _ in range(2):
        shop.sell()
    shop.run("listings", "UPDATE listings_listing SET available = available + 1")
    assert run_audit().problems("stock") == ["of 1000 there are 999 available and 2 ordered"]


@pytest.mark.parametrize("status", ["rejected", "cancelled"])
def test_stock_that_was_not_given_back_is_found(shop: Shop, run_audit: RunAudit, status: str) -> None:
    shop.order(status)
    shop.run("listings", "UPDATE listings_listing SET available = available - 1")
    assert run_audit().found == {"stock": ["listing 7"]}


def test_an_order_that_is_pending_for_too_long_is_found(shop: Shop, run_audit: RunAudit) -> None:
    sale = shop.order(age_seconds=HOUR_SECONDS)
    audit = run_audit()
    assert (audit.exit_code, audit.found) == (1, {"pending": [f"order {sale.order_id}"]})
    assert run_audit("--pending-deadline", str(2 * HOUR_SECONDS)).exit_code == 0


def test_an_order_that_should_long_be_completed_is_found(shop: Shop, run_audit: RunAudit) -> None:
    sale = shop.order(age_seconds=HOUR_SECONDS)
    shop.record(sale)
    audit = run_audit()
    assert audit.found == {name: [f"order {sale.order_id}"] for name in ("pending", "recorded")}
    assert audit.problems("recorded") == [f"overdue, though transaction {sale.transaction_id} is recorded"]
    assert run_audit("--pending-deadline", str(2 * HOUR_SECONDS)).exit_code == 0


def test_a_transaction_without_an_order_is_found(shop: Shop, run_audit: RunAudit) -> None:
    shop.sell()
    sale = Sale(uuid4(), uuid4())
    shop.record(sale)
    audit = run_audit()
    assert (audit.exit_code, audit.found) == (1, {"recorded": [f"order {sale.order_id}"]})
    assert audit.problems("recorded") == ["there is no such order, though it is recorded"]


def test_a_transaction_of_a_cancelled_order_is_found(shop: Shop, run_audit: RunAudit) -> None:
    sale = shop.order("cancelled", age_seconds=HOUR_SECONDS, transaction_id=uuid4())
    shop.record(sale)
    audit = run_audit()
    assert (audit.exit_code, audit.found) == (1, {"recorded": [f"order {sale.order_id}"]})
    assert audit.problems("recorded") == [f"cancelled, though transaction {sale.transaction_id} is recorded"]


def test_a_cancelled_order_that_the_other_service_never_acknowledged_is_found(
    shop: Shop, run_audit: RunAudit
) -> None:
    sale = shop.order("cancelled", age_seconds=HOUR_SECONDS)
    audit = run_audit()
    assert (audit.exit_code, audit.found) == (1, {"cancelled": [f"order {sale.order_id}"]})
    assert audit.problems("cancelled")[0].startswith("cancelled since 20")
    assert run_audit("--pending-deadline", str(2 * HOUR_SECONDS)).exit_code == 0


def test_a_completed_order_whose_transaction_was_voided_is_found(shop: Shop, run_audit: RunAudit) -> None:
    sale = shop.sell()
    shop.run("transactions", "UPDATE transactions_transaction SET status = 'voided'")
    audit = run_audit()
    assert audit.problems("sold") == ["completed, with 0 recorded transactions"]
    found = {"sold": [f"order {sale.order_id}"], "sums": ["EUR"]}
    assert audit.found == {**found, "ledger": [f"transaction {sale.transaction_id}"]}


def test_a_transaction_of_a_rejected_order_is_found(shop: Shop, run_audit: RunAudit) -> None:
    sale = shop.order("rejected")
    shop.record(sale)
    audit = run_audit()
    assert (audit.exit_code, audit.found) == (1, {"rejected": [f"order {sale.order_id}"]})


@pytest.mark.parametrize("service", ["listings", "transactions"])
def test_a_message_that_the_relay_does_not_publish_is_found(
    shop: Shop, run_audit: RunAudit, service: str
) -> None:
    shop.add_outbox_message(service, age_seconds=HOUR_SECONDS)
    shop.add_outbox_message(service, age_seconds=0)
    audit = run_audit()
    assert audit.exit_code == 1
    assert audit.found.keys() == {f"{service}_outbox"}
    [problem] = audit.problems(f"{service}_outbox")
    assert problem.startswith("order_created waits since 20")
    assert problem.endswith("refused 3 times")
    assert run_audit("--outbox-age", str(2 * HOUR_SECONDS)).exit_code == 0


def test_a_sale_without_a_live_event_is_found(shop: Shop, run_audit: RunAudit) -> None:
    shop.sell()
    sale = shop.order("completed")
    shop.record(sale)
    audit = run_audit()
    assert (audit.exit_code, audit.found) == (1, {"live_events": [f"order {sale.order_id}"]})
    assert audit.problems("live_events") == ["completed, with 0 item_sold events"]


def test_a_sale_with_two_live_events_is_found(shop: Shop, run_audit: RunAudit) -> None:
    sale = shop.sell()
    shop.run("listings", "ALTER TABLE listings_liveevent DROP CONSTRAINT live_event_once_per_order")
    try:
        shop.add_live_event(sale)
        audit = run_audit()
    finally:
        shop.run("listings", "DELETE FROM listings_liveevent")
        shop.run(
            "listings",
            "ALTER TABLE listings_liveevent ADD CONSTRAINT live_event_once_per_order"
            " UNIQUE (order_id, type, part)",
        )
    assert audit.problems("live_events") == ["completed, with 2 item_sold events"]


def test_of_many_disagreements_all_are_counted_and_the_first_are_shown(
    shop: Shop, run_audit: RunAudit
) -> None:
    for _ in range(8):
        shop.record(Sale(uuid4(), uuid4()))
        shop.order(age_seconds=HOUR_SECONDS)
    counts = {check["name"]: check["disagreements"] for check in run_audit().report["checks"]}
    assert (counts["recorded"], counts["pending"]) == (8, 8)
    assert {len(subjects) for subjects in run_audit().found.values()} == {5}


def test_a_sale_that_the_ledger_lacks_is_found(shop: Shop, run_audit: RunAudit) -> None:
    sale = shop.sell()
    shop.forget_ledger()
    audit = run_audit()
    assert (audit.exit_code, audit.found) == (1, {"ledger": [f"transaction {sale.transaction_id}"]})
    recorded = (
        f"total {PRICE_CENTS + FEE_CENTS} of buyer 2, income {PRICE_CENTS} of seller 1, fee {FEE_CENTS}"
    )
    assert audit.problems("ledger") == [f"{recorded} and commission 0 recorded, nothing in the ledger"]


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_a_ledger_out_of_balance_is_found(shop: Shop, run_audit: RunAudit, currency: str) -> None:
    sale = shop.order("completed", currency=currency)
    shop.record(sale, currency=currency)
    shop.add_live_event(sale)
    assert run_audit().exit_code == 0
    # By whoever may drop triggers: nobody else changes an entry.
    shop.run("transactions", "ALTER TABLE transactions_entry DISABLE TRIGGER USER")
    try:
        spoil = "UPDATE transactions_entry SET amount_cents = amount_cents - 1 WHERE account = 'fee_income'"
        shop.run("transactions", spoil)
    finally:
        shop.run("transactions", "ALTER TABLE transactions_entry ENABLE TRIGGER USER")
    audit = run_audit()
    assert audit.found.keys() == {"trial_balance", "journals", "ledger"}
    assert audit.found["trial_balance"] == [f"currency {currency}"]
    assert audit.problems("trial_balance") == ["debits and credits differ by -1"]


@pytest.mark.parametrize(
    ("service", "spoil", "checks"),
    [
        ("listings", "UPDATE listings_refund SET fee_cents = 1", {"refunds"}),
        ("listings", "UPDATE listings_refund SET status = 'refused'", {"refunds", "refund_sums"}),
        ("listings", "UPDATE listings_refund SET amount_cents = 1", {"refunds", "refund_sums"}),
        ("listings", "UPDATE listings_order SET refunded_cents = 1", {"refund_sums"}),
        ("listings", "UPDATE listings_order SET status = 'completed'", {"refund_sums"}),
        ("listings", "UPDATE listings_order SET returned_quantity = 1", {"refund_sums", "stock"}),
        ("listings", "DELETE FROM listings_refund", {"refunds", "refund_sums"}),
        ("transactions", "TRUNCATE transactions_refund", {"refunds", "refunds_posted"}),
    ],
)
def test_a_refund_about_which_the_rows_disagree_is_found(
    shop: Shop, run_audit: RunAudit, service: str, spoil: str, checks: set[str]
) -> None:
    shop.refund(shop.sell())
    assert run_audit().exit_code == 0
    shop.run(service, spoil)
    audit = run_audit()
    assert (audit.exit_code, set(audit.found)) == (1, checks)


def test_a_refund_of_more_than_was_paid_is_found(shop: Shop, run_audit: RunAudit) -> None:
    sale = shop.sell()
    shop.refund(sale, 20_000)
    row = "gen_random_uuid(), order_id, listing_id, amount_cents, 0, currency, status, reason, '', trace"
    shop.run(
        "transactions",
        "INSERT INTO transactions_refund (id, order_id, listing_id, amount_cents, fee_cents, currency,"
        f" status, reason, refusal, trace, created_at, transaction_id) SELECT {row}, created_at,"
        " transaction_id FROM transactions_refund",
    )
    audit = run_audit()
    assert audit.found.keys() == {"refunds_paid", "refunds_posted", "refunds"}
    assert audit.problems("refunds_paid") == ["40000 refunded of 25000"]


def test_a_refund_that_is_requested_for_too_long_is_found(shop: Shop, run_audit: RunAudit) -> None:
    refund = {"amount_cents": 1, "return_quantity": 0, "reason": "?", "refusal": "", "request_hash": ""}
    ids = {"id": uuid4(), "order_id": shop.sell().order_id, "requested_by_id": 1, "status": "requested"}
    shop.insert("listings", "listings_refund", **refund, **ids)
    assert run_audit().exit_code == 0
    assert run_audit("--pending-deadline", "0").found == {"refunds_pending": [f"refund {ids['id']}"]}


LINE: dict[str, Any] = {"amount_cents": 24_900, "currency": "EUR"}
SENT_TODAY = "UPDATE transactions_payout SET sent_at = now()"


@pytest.mark.parametrize(
    ("status", "spoil", "checks"),
    [
        ("paid", "UPDATE transactions_payout SET amount_cents = 1", {"payouts_posted", "payouts_stated"}),
        ("paid", "UPDATE transactions_payout SET status = 'failed'", {"payouts_posted", "payouts_stated"}),
        ("paid", "TRUNCATE transactions_statementline", set()),
        ("failed", "UPDATE transactions_payout SET settled_at = NULL, status = 'sent'", {"payouts_posted"}),
        ("paid", "TRUNCATE transactions_journal, transactions_entry", {"payouts_posted"}),
        ("unknown", "SELECT 1", {"payouts_unknown"}),
        ("unknown", SENT_TODAY, set()),
        ("sent", "SELECT 1", set()),
    ],
)
def test_a_payout_about_which_the_rows_disagree_is_found(
    shop: Shop, run_audit: RunAudit, status: str, spoil: str, checks: set[str]
) -> None:
    shop.pay_out(status)
    shop.run("transactions", spoil)
    assert set(run_audit().found) == checks


def test_what_the_bank_has_returned_twice_or_never_paid_is_found(shop: Shop, run_audit: RunAudit) -> None:
    returned = shop.pay_out("returned")
    assert run_audit().exit_code == 0
    back = LINE | {"amount_cents": -24_900}
    shop.book(returned, occurrence=2, **back)
    assert run_audit().found.keys() == {"payouts_stated"}
    shop.run("transactions", "TRUNCATE transactions_statementline")
    shop.book(returned, **back)
    assert run_audit().found.keys() == {"payouts_stated"}
    shop.run("transactions", "TRUNCATE transactions_statementline")
    # As a person records it, perhaps before the bank's next statement.
    shop.run("transactions", SENT_TODAY)
    assert run_audit().exit_code == 0


def test_what_the_bank_has_paid_twice_or_not_is_found(shop: Shop, run_audit: RunAudit) -> None:
    twice = shop.pay_out()
    assert run_audit().exit_code == 0
    shop.book(twice, occurrence=2, **LINE)
    assert run_audit().problems("payouts_stated") == ["paid with 24900 EUR; booked 2 times, 49800 in all"]
    shop.run("transactions", "TRUNCATE transactions_statementline")
    shop.book(None, **LINE)
    audit = run_audit()
    assert audit.found.keys() == {"payouts_stated", "statements"}
    assert audit.problems("payouts_stated") == ["paid with 24900 EUR; booked 0 times, 0 in all"]
    shop.run("transactions", SENT_TODAY)
    assert run_audit().found.keys() == {"statements"}
