"""A page on another origin signs in, gets a quote, buys and hears of it, in a real browser, by the guide."""

import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser

from stack.places import ROOT
from tests.support.market import Market, Person
from tests.support.visitor import PASSWORD, visit

pytestmark = pytest.mark.timeout(600)  # the first one may have to install the browser

GUIDE = (ROOT / "docs/how-to/build-a-storefront.md").read_text()
PROGRAM = "\n".join(re.findall(r"```js\n(.+?)```", GUIDE, re.DOTALL))
BUYS = f"""
async ({{ SHOP, LIVE, NAME, PASSWORD, SEARCH }}) => {{
  {PROGRAM}
  const isHeard = () => sales.some((event) => event.order_id === order.id);
  for (let tries = 0; tries < 600 && !isHeard(); tries++) await new Promise((go) => setTimeout(go, 50));
  access = "none";
  const refused = await call("GET", "/api/orders/").catch((error) => error);
  return {{
    quote, order, heard: isHeard(),
    statuses: [bought.response.status, again.response.status, refused.response.status],
    problem: refused.problem.type,
    traced: Boolean(bought.response.headers.get("X-Trace-Id")),
    replayed: again.response.headers.get("Idempotent-Replayed"),
    origin: location.origin,
  }};
}}
"""


def buy_from(origin: str, chromium: Browser, market: Market, title: str) -> dict[str, Any]:
    name = f"bob-{uuid4().hex[:8]}"
    with visit(chromium, origin) as visitor:
        visitor.page.goto("/")
        shop = {"SHOP": market.listings_url, "LIVE": market.live_url, "SEARCH": title}
        bought: dict[str, Any] = visitor.page.evaluate(BUYS, shop | {"NAME": name, "PASSWORD": PASSWORD})
        visitor.forgive(401)
        return bought


def test_a_page_on_another_origin_buys_at_its_quote_and_hears_of_the_sale(
    market: Market, chromium: Browser, seller: Person, storefront: str
) -> None:
    title = f"Lamp {uuid4().hex[:8]}"
    seller.sell(title, price_cents=2_500, quantity=5, category="toys")
    seen = buy_from(storefront, chromium, market, title)
    assert seen["origin"] == storefront
    assert (seen["statuses"], seen["problem"]) == ([202, 202, 401], "urn:microstore:problem:token-invalid")
    assert (seen["traced"], seen["heard"]) == (True, True)
    assert seen["replayed"] == "true"
    assert seen["order"]["status"] == "completed"
    assert seen["order"]["total_cents"] == seen["quote"]["total_cents"] == 5_275


def test_a_page_that_is_not_on_the_list_can_read_nothing(
    market: Market, chromium: Browser, storefront: str
) -> None:
    stranger = storefront.replace("localhost", "127.0.0.1")
    with visit(chromium, stranger) as visitor:
        visitor.page.goto("/")
        read = "shop => fetch(shop + '/api/categories/').then(() => 'read', (error) => error.name)"
        assert visitor.page.evaluate(read, market.listings_url) == "TypeError"
        visitor.complaints.clear()
