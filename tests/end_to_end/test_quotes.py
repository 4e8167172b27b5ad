"""What a purchase costs in all is on the page before the click, and is what is charged."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from stack.places import ROOT
from tests.support.market import Market, Person
from tests.support.visitor import visit

pytestmark = pytest.mark.timeout(600)  # the first one may have to install the browser

OF_THREE = "€79.003 × €25.00 and a fee of €4.00"


def test_the_total_follows_the_quantity_and_is_what_the_buyer_pays(
    market: Market, chromium: Browser, seller: Person
) -> None:
    title = f"Lamp with a fee {uuid4().hex[:8]}"
    listing_id = seller.sell(title, price_cents=2_500, quantity=5, category="toys")
    quote = seller.request("GET", f"/api/listings/{listing_id}/quote/?quantity=3").json()
    assert (quote["fee_cents"], quote["total_cents"]) == (400, 7_900)
    with visit(chromium, market.listings_url) as buyer:
        buyer.sign_up(f"bob-{uuid4().hex[:8]}")
        buyer.find(title)
        expect(buyer.page.locator("#total")).to_have_text("€26.50€25.00 and a fee of €1.50")
        buyer.page.get_by_label("Quantity").fill("3")
        expect(buyer.page.locator("#total")).to_have_text(OF_THREE)
        seen = buyer.page.locator("form.buy input[name=seen]")
        assert seen.input_value().endswith(f"-{quote['fee_version']}")
        buyer.page.get_by_role("button", name="Buy").click()
        order = buyer.page.get_by_role("listitem").filter(has_text=title)
        expect(order).to_contain_text("Total €79.00, including a fee of €4.00")


@contextmanager
def dearer_schedule(market: Market, folder: Path) -> Iterator[None]:
    """The fee function starts again with a schedule that takes 1.00 more; it knows the one before."""
    before = json.loads((ROOT / "fees/schedule.json").read_text())
    dearer = json.loads(json.dumps(before)) | {"version": "2026-12.dearer"}
    dearer["currencies"]["EUR"]["default"]["fixed_cents"] += 100
    for name, schedule in (("FEE_SCHEDULE", dearer), ("FEE_SCHEDULE_BEFORE", before)):
        file = folder / f"{name}.json"
        file.write_text(json.dumps(schedule))
        market.stack.environment[name] = str(file)
    try:
        restart_fees(market)
        yield
    finally:
        for name in ("FEE_SCHEDULE", "FEE_SCHEDULE_BEFORE"):
            del market.stack.environment[name]
        restart_fees(market)


def restart_fees(market: Market) -> None:
    market.stack.stop("fees")
    market.stack.start("fees")
    market.stack.wait_ready("fees")


def test_what_was_quoted_is_charged_though_the_schedule_has_changed_since(
    market: Market, seller: Person, buyer: Person, tmp_path: Path
) -> None:
    listing_id = seller.sell("Lamp with a fee", price_cents=2_500, quantity=9, category="toys")
    quote = buyer.request("GET", f"/api/listings/{listing_id}/quote/").json()
    version = {"fee_version": quote["fee_version"]}

    def buy(**body: Any) -> str:
        answer = buyer.request("POST", f"/api/listings/{listing_id}/buy/", json=body)
        return str(answer.json()["id"])

    with dearer_schedule(market, tmp_path):
        together = {"items": [{"listing": listing_id, **version}]}
        checkout = buyer.request("POST", "/api/checkouts/", json=together).json()
        orders = [buy(**version), buy(), buy(fee_version="2020-01"), checkout["orders"][0]["id"]]
        market.wait_settled(orders, timeout_seconds=150)  # one waits for a schedule that nobody has
    shown = [buyer.request("GET", f"/api/orders/{order}/").json() for order in orders]
    assert [order["total_cents"] for order in shown] == [
        quote["total_cents"],
        quote["total_cents"] + 100,
        None,
        quote["total_cents"],
    ]
    assert [order["fee_rule"].partition("/")[0] for order in shown] == [
        *(quote["fee_version"], "2026-12.dearer", "", quote["fee_version"]),
    ]
    assert (shown[2]["status"], "2020-01" in shown[2]["reason"]) == ("rejected", True)
    for order in shown[:2]:
        [(total,)] = market.transactions(
            "SELECT total_cents FROM transactions_transaction WHERE order_id = %s", order["id"]
        )
        assert total == order["total_cents"]
