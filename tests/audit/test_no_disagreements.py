"""Correct rows, and purchases under way, are no disagreement."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from audit.report import make_report
from audit.snapshots import Limits, open_snapshots
from tests.audit.conftest import RunAudit
from tests.audit.shop import Sale, Shop

MINUTE_SECONDS = 60
WEEK_SECONDS = 7 * 24 * 3600
LIMITS = Limits(pending=timedelta(minutes=5), outbox=timedelta(minutes=1), live_events=timedelta(days=7))


def test_a_shop_without_faults_has_no_disagreements(shop: Shop, run_audit: RunAudit) -> None:
    for _ in range(3):
        shop.sell()
    shop.refuse(shop.order("rejected"))
    shop.order("rejected")
    shop.order("cancelled")
    refunded = shop.order("completed")
    shop.record(refunded)
    shop.add_live_event(refunded)
    shop.refund(refunded, 10_000, fee_cents=40)
    shop.refund(refunded, 15_000, fee_cents=60)
    shop.pay_out()
    result = run_audit()
    assert (result.exit_code, result.found) == (0, {})
    assert result.report["disagreements"] == 0
    assert {check["name"]: check["examined"] for check in result.report["checks"]} == {
        "stock": 1,
        "pending": 0,
        "cancelled": 1,
        "live_events": 3,
        "sold": 4,
        "recorded": 4,
        "rejected": 2,
        "sums": 1,
        "trial_balance": 22,
        "journals": 8,
        "ledger": 5,
        "accounts": 22,
        "refunds_pending": 0,
        "refund_sums": 2,
        "refunds_posted": 2,
        "refunds_sold": 2,
        "refunds_paid": 2,
        "refunds": 2,
        "payouts_posted": 1,
        "payouts_accounts": 1,
        "payouts_stated": 1,
        "statements": 1,
        "payouts_unknown": 0,
        "sellers": 1,
        "bank_accounts": 1,
        "bank_accounts_pending": 0,
        "listings_outbox": 0,
        "transactions_outbox": 0,
        "queues": len(result.report["queues"]),
    }


def test_an_empty_shop_has_no_disagreements(run_audit: RunAudit) -> None:
    assert run_audit().exit_code == 0


def test_a_purchase_under_way_is_no_disagreement(shop: Shop, run_audit: RunAudit) -> None:
    shop.order(age_seconds=4 * MINUTE_SECONDS)
    shop.record(shop.order())
    shop.refuse(shop.order())
    shop.add_outbox_message("listings", age_seconds=0)
    shop.add_outbox_message("transactions", age_seconds=MINUTE_SECONDS / 2)
    assert run_audit().exit_code == 0


def test_the_clock_of_the_auditing_host_does_not_matter(
    shop: Shop, run_audit: RunAudit, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.order()
    shop.sell()
    shop.add_outbox_message("listings", age_seconds=0)
    right = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: right() + timedelta(days=400))
    assert run_audit().found == {}


def test_a_cancelled_order_is_under_way_for_a_while_and_then_voided(shop: Shop, run_audit: RunAudit) -> None:
    shop.record(shop.order("cancelled", age_seconds=4 * MINUTE_SECONDS))
    for sale in (shop.order("cancelled", age_seconds=WEEK_SECONDS, transaction_id=uuid4()) for _ in range(2)):
        shop.record(sale, status="voided")
    never_priced = shop.order("cancelled", age_seconds=WEEK_SECONDS, transaction_id=uuid4())
    shop.record(never_priced, status="voided", fee_cents=None, total_cents=None)
    assert run_audit().exit_code == 0


def order_only(shop: Shop) -> None:
    shop.order()


def record_only(shop: Shop) -> None:
    shop.record(shop.order())


def sell(shop: Shop) -> None:
    shop.sell()


def reject(shop: Shop) -> None:
    shop.refuse(shop.order("rejected"))


class Meanwhile(dict[str, str]):
    """URLs by service; the first access to the URL of `service` calls `act` before."""

    def __init__(self, urls: dict[str, str], service: str, act: Callable[[], None]) -> None:
        super().__init__(urls)
        self.service, self.acts = service, [act]

    def __getitem__(self, service: str) -> str:
        if service == self.service and self.acts:
            self.acts.pop()()
        return super().__getitem__(service)


@pytest.mark.parametrize("act", [order_only, record_only, sell, reject])
@pytest.mark.parametrize("before", ["listings", "transactions"])
def test_a_purchase_while_the_snapshots_are_taken_is_no_disagreement(
    shop: Shop, before: str, act: Callable[[Shop], None]
) -> None:
    shop.sell()
    with open_snapshots(Meanwhile(shop.urls, before, lambda: act(shop)), LIMITS) as snapshots:
        assert [check for check in make_report(snapshots).checks if check.disagreements] == []


@pytest.mark.parametrize("before", ["listings", "transactions"])
def test_an_order_that_completes_while_the_snapshots_are_taken_is_no_disagreement(
    shop: Shop, before: str
) -> None:
    sale = shop.order()

    def complete() -> None:
        shop.record(sale)
        shop.run(
            "listings",
            "UPDATE listings_order SET status = 'completed', transaction_id = %s, fee_cents = 100,"
            " total_cents = 25000 WHERE id = %s",
            sale.transaction_id,
            sale.order_id,
        )

    with open_snapshots(Meanwhile(shop.urls, before, complete), LIMITS) as snapshots:
        assert [check for check in make_report(snapshots).checks if check.disagreements] == []


def test_purchases_while_the_audit_reads_are_not_seen(shop: Shop) -> None:
    with open_snapshots(shop.urls, LIMITS) as snapshots:
        for _ in range(3):
            shop.sell()
        assert make_report(snapshots).disagreements == 0
        assert snapshots.listings.count("listings_order") == 0


def test_old_sales_need_no_live_event(shop: Shop, run_audit: RunAudit) -> None:
    shop.record(shop.order("completed", age_seconds=WEEK_SECONDS))
    assert run_audit().exit_code == 0


@pytest.mark.parametrize("service", ["listings", "transactions"])
def test_dead_letters_are_a_warning(shop: Shop, run_audit: RunAudit, service: str) -> None:
    for state in ("waiting", "waiting", "replayed", "discarded"):
        shop.add_dead_letter(service, state=state)
    result = run_audit()
    assert result.exit_code == 0
    assert result.report["warnings"] == [f"2 dead letters of {service} wait for a decision"]


def test_an_orphan_is_distinguished_from_a_transaction_whose_order_is_younger(shop: Shop) -> None:
    orphan = Sale(shop.sell().transaction_id, shop.sell().order_id)
    shop.record(orphan)
    with open_snapshots(Meanwhile(shop.urls, "transactions", lambda: sell(shop)), LIMITS) as snapshots:
        [found] = [check for check in make_report(snapshots).checks if check.disagreements]
    assert [example.subject for example in found.examples] == [f"order {orphan.order_id}"]
