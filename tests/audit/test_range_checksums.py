"""Ranges of orders are compared by their checksums; those that differ, row by row."""

import pytest

from audit import cross_database, range_checksums
from audit.cross_database import Comparison
from audit.range_checksums import IdRange
from audit.snapshots import open_snapshots
from tests.audit.conftest import RunAudit
from tests.audit.shop import Sale, Shop
from tests.audit.test_no_disagreements import LIMITS

pytestmark = pytest.mark.usefixtures("small_ranges")


@pytest.fixture
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of three orders, and orphans looked up two at a time."""
    monkeypatch.setattr(range_checksums, "ORDERS_IN_RANGE", 3)
    monkeypatch.setattr(cross_database, "ORPHANS_AT_ONCE", 2)


@pytest.fixture
def sales(shop: Shop) -> list[Sale]:
    """Ten sales, in the order of their ids: four ranges."""
    return [shop.sell() for _ in range(10)]


def differing_ranges(shop: Shop) -> list[IdRange]:
    with open_snapshots(shop.urls, LIMITS) as snapshots:
        return list(Comparison(snapshots).differing_ranges())


def test_equal_ranges_are_not_read(shop: Shop, sales: list[Sale], run_audit: RunAudit) -> None:
    assert differing_ranges(shop) == []
    assert run_audit().exit_code == 0


@pytest.mark.parametrize("number", range(10))
def test_a_difference_is_found_wherever_it_is(
    shop: Shop, sales: list[Sale], run_audit: RunAudit, number: int
) -> None:
    sale = sales[number]
    shop.run("listings", "UPDATE listings_order SET fee_cents = 1 WHERE id = %s", sale.order_id)
    [ids] = differing_ranges(shop)
    assert ids.low is None or ids.low <= sale.order_id
    assert ids.high is None or ids.high > sale.order_id
    assert run_audit().found == {"sold": [f"order {sale.order_id}"]}


def test_sums_are_of_all_ranges(shop: Shop, sales: list[Sale], run_audit: RunAudit) -> None:
    sql = "UPDATE listings_order SET total_cents = total_cents - 1 WHERE id = %s"
    shop.run("listings", sql, sales[4].order_id)
    assert run_audit().problems("sums") == ["249999 in orders, 250000 in their transactions"]


def test_two_differences_of_the_same_sum_are_found(
    shop: Shop, sales: list[Sale], run_audit: RunAudit
) -> None:
    for sale, cents in ((sales[6], 1), (sales[7], -1)):
        sql = "UPDATE listings_order SET total_cents = total_cents + %s WHERE id = %s"
        shop.run("listings", sql, cents, sale.order_id)
    found = run_audit().found
    assert found == {"sold": [f"order {sale.order_id}" for sale in (sales[6], sales[7])]}


def test_a_range_with_a_purchase_under_way_is_read_without_disagreement(
    shop: Shop, sales: list[Sale], run_audit: RunAudit
) -> None:
    shop.record(shop.order())
    assert len(differing_ranges(shop)) == 1
    assert run_audit().exit_code == 0


def test_orphans_are_found_in_every_range(shop: Shop, sales: list[Sale], run_audit: RunAudit) -> None:
    lost = [sales[number] for number in (0, 5, 9)]
    for sale in lost:
        shop.run("listings", "DELETE FROM listings_liveevent WHERE order_id = %s", sale.order_id)
        shop.run("listings", "DELETE FROM listings_order WHERE id = %s", sale.order_id)
    shop.run("listings", "UPDATE listings_listing SET available = available + 3")
    assert run_audit().found == {"recorded": [f"order {sale.order_id}" for sale in lost]}


def test_a_lost_table_is_found_order_by_order(shop: Shop, sales: list[Sale], run_audit: RunAudit) -> None:
    shop.run("transactions", "DELETE FROM transactions_transaction")
    [sold] = [check for check in run_audit().report["checks"] if check["name"] == "sold"]
    assert (sold["examined"], sold["disagreements"]) == (10, 10)
