"""A page on another origin signs in, gets a quote, buys, and hears of the sale: in a real browser."""

from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser

from tests.support.market import Market, Person
from tests.support.visitor import PASSWORD, visit

pytestmark = pytest.mark.timeout(600)  # the first one may have to install the browser

BUYS = """
async ({ shop, live, name, password, listing, key }) => {
  const call = async (method, path, body, headers = {}) => {
    const sent = { "Content-Type": "application/json", ...headers };
    const response = await fetch(shop + path, { method, body: body && JSON.stringify(body), headers: sent });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  await call("POST", "/api/auth/register/", { username: name, email: `${name}@shop.example`, password });
  const { access } = (await call("POST", "/api/auth/token/", { username: name, password })).body;
  const quote = (await call("GET", `/api/listings/${listing}/quote/?quantity=2`)).body;

  const sold = new Promise((resolve, reject) => {
    const socket = new WebSocket(`${live}/ws/listings/?after=0`);
    socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      const events = frame.events ?? [frame];
      const found = events.find((each) => each.type === "item_sold" && each.listing_id === listing);
      if (found) resolve(found);
    };
  });
  const { unit_price_cents: price_cents, currency, fee_version } = quote;
  const body = { quantity: 2, price_cents, currency, fee_version };
  const headers = { Authorization: `Bearer ${access}`, "Idempotency-Key": key, "X-Trace-Id": `page ${key}` };
  const buy = () => call("POST", `/api/listings/${listing}/buy/`, body, headers);
  const [first, again] = [await buy(), await buy()];
  const event = await sold;
  const order = (await call("GET", first.headers.get("Location"), undefined, headers)).body;
  const refused = await call("GET", "/api/orders/", undefined, { Authorization: "Bearer none" });
  return {
    quote, event, order,
    statuses: [first.status, again.status, refused.status],
    read: ["Location", "X-Trace-Id"].map((each) => Boolean(first.headers.get(each))),
    replayed: again.headers.get("Idempotent-Replayed"),
    origin: location.origin,
  };
}
"""


def buy_from(origin: str, chromium: Browser, market: Market, listing_id: int) -> dict[str, Any]:
    name = f"bob-{uuid4().hex[:8]}"
    with visit(chromium, origin) as visitor:
        visitor.page.goto("/")
        asked = {"shop": market.listings_url, "live": market.live_url, "listing": listing_id}
        bought: dict[str, Any] = visitor.page.evaluate(
            BUYS, asked | {"name": name, "password": PASSWORD, "key": uuid4().hex}
        )
        visitor.forgive(401)
        return bought


def test_a_page_on_another_origin_buys_at_its_quote_and_hears_of_the_sale(
    market: Market, chromium: Browser, seller: Person, storefront: str
) -> None:
    listing_id = seller.sell(f"Lamp {uuid4().hex[:8]}", price_cents=2_500, quantity=5, category="toys")
    seen = buy_from(storefront, chromium, market, listing_id)
    assert seen["origin"] == storefront
    assert seen["statuses"] == [202, 202, 401]
    assert seen["read"] == [True, True]
    assert seen["replayed"] == "true"
    assert seen["event"]["order_id"] == seen["order"]["id"]
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
