"""Something is down: purchases are answered all the same, and settle when it is back."""

from collections.abc import Callable

import pytest

from stack.waiting import wait_until
from tests.support.market import Market, Person

Act = Callable[[Market], object]


@pytest.mark.parametrize(
    ("stop", "start"),
    [
        pytest.param(
            lambda market: market.stack.stop("transactions-worker"),
            lambda market: market.stack.start("transactions-worker"),
            id="transactions worker",
        ),
        pytest.param(
            lambda market: market.services.rabbitmq.stop(),
            lambda market: market.services.rabbitmq.start(),
            id="RabbitMQ",
        ),
        pytest.param(
            lambda market: market.stack.stop("fees"),
            lambda market: market.stack.start("fees"),
            id="fee function",
        ),
        pytest.param(
            lambda market: market.stack.stop("listings-relay"),
            lambda market: market.stack.start("listings-relay"),
            id="relay",
        ),
        pytest.param(
            lambda market: market.services.redis.stop(),
            lambda market: market.services.redis.start(),
            id="Redis",
        ),
        pytest.param(
            lambda market: market.services.transactions_db.stop(),
            lambda market: market.services.transactions_db.start(),
            id="transactions database",
        ),
    ],
)
def test_purchases_are_accepted_during_an_outage_and_settle_after_it(
    market: Market, seller: Person, buyer: Person, stop: Act, start: Act
) -> None:
    listing_id = seller.sell("Radio with one station", quantity=30)
    stop(market)
    responses = [buyer.buy(listing_id) for _ in range(20)]
    assert {response.status_code for response in responses} == {202}
    start(market)
    orders = [response.json()["id"] for response in responses]
    assert market.wait_settled(orders) == {"completed": 20}
    assert sorted(market.transactions_of(orders)) == sorted(orders)
    assert market.available(listing_id) == 10


def test_while_the_fee_function_is_down_orders_wait_in_the_broker_and_use_up_no_attempt(
    market: Market, seller: Person, buyer: Person
) -> None:
    listing_id = seller.sell("Portrait of somebody's aunt")
    letters = market.transactions("SELECT count(*) FROM messaging_deadletter")
    market.stack.stop("fees")
    before = market.stack.log("transactions-worker").count("outage")
    order = buyer.buy(listing_id).json()["id"]
    assert wait_until(
        lambda: market.stack.log("transactions-worker").count("outage") >= before + 3, timeout_seconds=60
    )
    market.stack.start("fees")
    assert market.wait_settled([order]) == {"completed": 1}
    assert market.transactions("SELECT count(*) FROM messaging_deadletter") == letters
