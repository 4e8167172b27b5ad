"""A crowd that buys one thing, followed until all of it is settled, seen and agreed upon."""

from collections import Counter

from stack.waiting import wait_until
from tests.support.market import Market, Person, at_once

CLIENTS = 16
SEEN_WITHIN_SECONDS = 30


def sell_to_a_crowd(market: Market, seller: Person, *, purchases: int, stock: int) -> None:
    """Every purchase is accepted, completed, recorded once and seen once; nothing more leaves the stock."""
    listing_id = seller.sell("Matchbox", quantity=stock)
    people = market.add_people(CLIENTS)
    shoppers = [people[number * CLIENTS // purchases] for number in range(purchases)]
    with market.feed() as feed:
        responses = at_once(shoppers, lambda shopper: shopper.buy(listing_id), clients=CLIENTS)
        assert Counter(response.status_code for response in responses) == {202: purchases}
        orders = sorted(response.json()["id"] for response in responses)
        assert market.wait_settled(orders) == {"completed": purchases}
        seen = wait_until(lambda: len(feed.sold_orders()) >= purchases, timeout_seconds=SEEN_WITHIN_SECONDS)
        assert seen
    assert sorted(feed.sold_orders()) == orders
    assert sorted(market.transactions_of(orders)) == orders
    assert market.available(listing_id) == stock - purchases
    market.audit()
