"""A Redis whose packets are dropped: nothing is refused, and nothing answers."""

from stack.waiting import wait_until
from tests.support.dropping import dropping, needs_iptables
from tests.support.market import Market
from tests.support.rush import rush

GIVEN_UP = "Redis is silent"


@needs_iptables
def test_a_redis_that_nobody_reaches(market: Market) -> None:
    """Nobody waits for it, neither who buys nor who settles; browsers get what they missed from the table."""
    before = market.stack.log("listings-live").count(GIVEN_UP)
    with rush(market, "Redis cut off from everybody") as hour:
        with dropping() as drop:
            drop(market.services.redis.port)
            assert wait_until(
                lambda: market.stack.log("listings-live").count(GIVEN_UP) > before, timeout_seconds=60
            )
            hour.wait_for_purchases(20)
            assert hour.wait_seen(20)
        hour.wait_for_purchases(20)
