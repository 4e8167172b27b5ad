"""What an operator sees of a whole market: the other service's admin, a trace over both, Flower's tasks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from stack.places import ROOT
from stack.processes.environment import make_environment
from stack.processes.procfile import read_procfile
from stack.processes.stack import Stack
from tests.support.market import Market, Person
from tests.support.operator import Operator
from tests.support.pictures_of_pages import PICTURES, SIZES, chromium, take_pictures

# The first one may have to install the browser.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def order(market: Market, seller: Person, buyer: Person) -> str:
    """A purchase that is settled."""
    bought: str = buyer.buy(seller.sell("Crunchy armchair")).json()["id"]
    market.wait_settled([bought])
    return bought


@pytest.mark.parametrize("size", SIZES)
def test_the_admin_of_transactions_fits(market: Market, order: str, browser: Browser, size: str) -> None:
    operator = Operator(market, role="operations")
    admin = f"{market.transactions_url}/admin"
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height})
    cookie = operator.sessions["transactions"].cookies["transactions_session"]
    context.add_cookies([{"name": "transactions_session", "value": cookie, "url": market.transactions_url}])
    pages = {
        "transactions-front": f"{admin}/",
        "transactions": f"{admin}/transactions/transaction/",
        "transactions-totals": f"{admin}/transactions/transaction/totals/",
        "trace-of-both": f"{admin}/trace/?q={order}",
    }
    take_pictures(context.new_page(), pages, size)
    context.close()


def test_flower_shows_the_tasks_of_both_services(
    market: Market, seller: Person, buyer: Person, browser: Browser, tmp_path: Path
) -> None:
    command = {"flower": read_procfile(ROOT / "Procfile")["flower"]}
    flower = Stack(command, environment=make_environment(market.settings), folder=tmp_path)
    flower.start("flower")
    try:
        flower.wait_ready("flower")
        for size, (width, height) in SIZES.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"http://127.0.0.1:{market.settings['FLOWER_PORT']}/tasks")
            for task in ("transactions.order_created", "listings.item_sold"):
                shown = page.locator("#tasks-table").get_by_text(task, exact=True).first
                for _ in range(20):
                    buyer.buy(seller.sell("Crunchy armchair"))
                    page.reload(wait_until="networkidle")
                    if shown.is_visible():
                        break
                assert shown.is_visible(), task
            PICTURES.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=PICTURES / f"flower-tasks-{size}.png", full_page=True)
    finally:
        flower.stop_all()
