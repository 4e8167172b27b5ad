"""Purchases by HTTP, from the click to the live feed."""

import random
import uuid
from collections import Counter

from stack.waiting import wait_until
from tests.support.crowded import sell_to_a_crowd
from tests.support.market import Market, Person, at_once


def test_a_purchase_settles_and_can_be_followed_by_one_trace_id(
    market: Market, seller: Person, buyer: Person
) -> None:
    client_id = f"order {uuid.uuid4()}"
    listing_id = seller.sell("Crunchy armchair", quantity=3, category="furniture")
    with market.feed() as feed:
        response = buyer.buy(listing_id, quantity=2, headers={"X-Trace-Id": client_id})
        assert response.status_code == 202, response.text
        accepted = response.json()
        assert response.headers["X-Trace-Id"] == client_id
        trace_id = accepted["trace_id"]
        assert wait_until(lambda: accepted["id"] in feed.sold_orders(), timeout_seconds=30)
    [event] = [event for event in feed.events if event.get("order_id") == accepted["id"]]
    assert (event["listing_id"], event["available"]) == (listing_id, 1)
    assert "trace_id" not in event  # the feed is public

    order = buyer.request("GET", accepted["status_url"]).json()
    assert order["status"] == "completed"
    assert order["total_cents"] == 2 * 2500 + order["fee_cents"]
    buyer.url = market.transactions_url
    transaction = buyer.request("GET", f"/api/transactions/{order['transaction_id']}/").json()
    assert transaction["order_id"] == order["id"]
    assert transaction["fee_cents"] == order["fee_cents"] > 0
    assert transaction["trace_id"] == trace_id
    for process in ("listings-api", "transactions-worker", "listings-worker"):
        assert market.wait_logged(process, trace_id), process
    assert market.wait_logged("listings-api", client_id)


def test_a_thousand_purchases_by_sixteen_clients_all_settle_and_are_seen_once(
    market: Market, seller: Person
) -> None:
    sell_to_a_crowd(market, seller, purchases=1_000, stock=1_200)


def test_two_hundred_buyers_of_one_single_thing_make_one_sale(market: Market, seller: Person) -> None:
    listing_id = seller.sell("Half a chess set")
    buyers = market.add_people(200)
    responses = at_once(buyers, lambda buyer: buyer.buy(listing_id), clients=200)
    assert Counter(response.status_code for response in responses) == {202: 1, 409: 199}
    orders = [response.json()["id"] for response in responses if response.status_code == 202]
    assert market.wait_settled(orders) == {"completed": 1}
    assert market.transactions_of(orders) == orders
    assert market.available(listing_id) == 0


def test_two_hundred_checkouts_of_the_last_three_things_at_once_are_one_whole_checkout(
    market: Market, seller: Person
) -> None:
    last_three = [seller.sell(title) for title in ("Crunchy armchair", "Reading lamp", "Half a chess set")]
    buyers = market.add_people(200)
    responses = at_once(
        buyers, lambda buyer: buyer.check_out(*random.sample(last_three, 3)), clients=len(buyers)
    )
    assert Counter(response.status_code for response in responses) == {202: 1, 409: 199}
    [won] = [response.json() for response in responses if response.status_code == 202]
    orders = [order["id"] for order in won["orders"]]
    assert market.wait_settled(orders) == {"completed": 3}
    assert sorted(market.transactions_of(orders)) == sorted(orders)
    assert [market.available(listing_id) for listing_id in last_three] == [0, 0, 0]
    placed = "SELECT count(*) FROM listings_order WHERE listing_id = ANY(%s)"
    assert market.listings(placed, last_three) == [(3,)]


def test_fifty_clicks_with_one_key_at_once_are_one_order_and_fifty_equal_answers(
    market: Market, seller: Person, buyer: Person
) -> None:
    listing_id = seller.sell("Reading lamp", quantity=50)
    key = {"Idempotency-Key": uuid.uuid4().hex}
    browsers = [Person(buyer.url, buyer.id, buyer.token) for _ in range(50)]
    responses = at_once(browsers, lambda browser: browser.buy(listing_id, headers=key), clients=50)
    assert Counter(response.status_code for response in responses) == {202: 50}
    assert len({(response.content, response.headers["Location"]) for response in responses}) == 1
    assert Counter(response.headers.get("Idempotent-Replayed") for response in responses) == {
        None: 1,
        "true": 49,
    }
    order = responses[0].json()["id"]
    assert market.wait_settled([order]) == {"completed": 1}
    assert market.transactions_of([order]) == [order]
    assert market.available(listing_id) == 49
    assert len(buyer.request("GET", "/api/orders/").json()["results"]) == 1


def test_what_the_fee_function_refuses_is_rejected_and_goes_back_on_sale(
    market: Market, seller: Person, buyer: Person
) -> None:
    listing_id = seller.sell("Coat for all weathers but one", currency="XTS", quantity=2)
    accepted = buyer.buy(listing_id).json()
    assert market.wait_settled([accepted["id"]]) == {"rejected": 1}
    assert market.available(listing_id) == 2
    order = buyer.request("GET", accepted["status_url"]).json()
    assert "XTS" in order["reason"]


def test_who_missed_sales_resumes_after_the_last_one_seen(
    market: Market, seller: Person, buyer: Person
) -> None:
    listing_id = seller.sell("Letters from a lighthouse", quantity=5)
    with market.feed() as feed:
        seen = buyer.buy(listing_id).json()["id"]
        assert wait_until(lambda: seen in feed.sold_orders(), timeout_seconds=30)
    last_seq = max(event["seq"] for event in feed.events)
    missed = [buyer.buy(listing_id).json()["id"] for _ in range(3)]
    market.wait_settled(missed)
    with market.feed(f"?after={last_seq}") as resumed:
        assert wait_until(lambda: set(missed) <= set(resumed.sold_orders()), timeout_seconds=30)
