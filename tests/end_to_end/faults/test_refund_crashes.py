"""A process is killed at each seam of a refund: nothing is refunded twice, and nothing is forgotten."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from threading import Thread

import pytest
import requests

from stack.waiting import wait_until
from tests.end_to_end.faults.test_crash_points import die_after_the_commit, die_before_the_commit
from tests.support.holding import Held, held_commit, held_statement
from tests.support.market import Market, Person
from tests.support.messages import CURRENCIES
from tests.support.reliability import Moved, note_moved

PART, REST = {"amount_cents": 1_000, "return_quantity": 1}, {"return_quantity": 1}
Die = Callable[[Market, str, Held], None]


def sell(market: Market, seller: Person, buyer: Person) -> list[str]:
    """Three completed orders of two pieces, one in each currency."""
    listings = [seller.sell("Reading lamp", quantity=5, currency=currency) for currency in CURRENCIES]
    orders = [buyer.buy(listing, quantity=2).json()["id"] for listing in listings]
    assert market.wait_settled(orders) == {"completed": 3}
    return orders


def refund_all(seller: Person, orders: list[str]) -> None:
    """Refund each order in two parts, and repeat each request with its key until it is accepted."""
    for order in orders:
        for part in (PART, REST):
            accepted = partial(is_accepted, seller, order, part)
            assert wait_until(accepted, timeout_seconds=60)


def is_accepted(seller: Person, order: str, part: dict[str, int]) -> bool:
    url, sent = f"/api/orders/{order}/refunds/", {"reason": "A leg is loose", **part}
    key = {"Idempotency-Key": f"{order} {part}"}
    try:
        return seller.request("POST", url, json=sent, headers=key).status_code == 202
    except requests.RequestException:
        return False  # the API was killed before it answered


def held(market: Market, service: str, when: str, table: str) -> AbstractContextManager[Held]:
    url = getattr(market.services, f"{service}_db").url
    return held_commit(url, table=table) if when == "COMMIT" else held_statement(url, when=when, table=table)


@pytest.mark.parametrize(
    ("seam", "when", "table", "die"),
    [
        ("listings-api before its answer", "COMMIT", "listings_refund", die_after_the_commit),
        (
            "listings-relay before its delete",
            "BEFORE DELETE",
            "messaging_outboxmessage",
            die_before_the_commit,
        ),
        (
            "transactions-worker before its commit",
            "AFTER INSERT",
            "transactions_refund",
            die_before_the_commit,
        ),
        ("transactions-worker before its callback", "COMMIT", "transactions_refund", die_after_the_commit),
        ("listings-worker before its commit", "AFTER INSERT", "listings_liveevent", die_before_the_commit),
        ("listings-worker before its push", "COMMIT", "listings_liveevent", die_after_the_commit),
    ],
)
def test_a_crash_in_the_middle_of_a_refund_refunds_once(
    market: Market, seller: Person, buyer: Person, seam: str, when: str, table: str, die: Die
) -> None:
    process = seam.partition(" ")[0]
    orders = sell(market, seller, buyer)
    with held(market, process.partition("-")[0], when, table) as hold:
        requesting = Thread(target=refund_all, args=(seller, orders))
        requesting.start()
        die(market, process, hold)
    requesting.join(120)
    assert wait_until(lambda: are_refunded(market, orders), timeout_seconds=60)
    rows = market.listings(
        "SELECT count(*), sum(refund.amount_cents), sum(DISTINCT placed.total_cents), min(available)"
        " FROM listings_refund refund JOIN listings_order placed ON placed.id = refund.order_id"
        " JOIN listings_listing listing ON listing.id = placed.listing_id WHERE placed.id = ANY(%s::uuid[])"
        " GROUP BY placed.id",
        orders,
    )
    assert [(count, amount == total, left) for count, amount, total, left in rows] == [(2, True, 5)] * 3
    [(posted,)] = market.transactions(
        "SELECT count(*) FROM transactions_journal JOIN transactions_refund refund ON refund.id = subject_id"
        " WHERE kind = 'refund' AND order_id = ANY(%s::uuid[])",
        orders,
    )
    due = 2 * len(orders)
    moved = Moved(due, lost=max(0, due - posted), doubled=max(0, posted - due))
    note_moved(f"crash: refunds, {seam}", moved)


def are_refunded(market: Market, orders: list[str]) -> bool:
    sql = "SELECT count(*) FROM listings_order WHERE status = 'refunded' AND id = ANY(%s::uuid[])"
    return market.listings(sql, orders) == [(len(orders),)]
