"""A worker dies as it settles the last order of a checkout: its buyer has one thing all the same."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kombu import Connection, Queue

from microstore.messaging import topology
from stack.waiting import wait_until
from tests.end_to_end.faults.test_crash_points import die_after_the_commit, die_before_the_commit
from tests.support.holding import held_commit, held_statement
from tests.support.market import Market, Person

Facts = dict[str, set[str]]  # the ids of the events, by checkout
SETTLED = {"table": "listings_liveevent", "where": "NEW.type = 'checkout_settled'"}


@contextmanager
def facts_of_checkouts(market: Market) -> Iterator[Callable[[], Facts]]:
    """A listener to the facts of checkouts; call it for those that have come so far."""
    found: Facts = defaultdict(set)
    with Connection(market.services.rabbitmq.url) as broker:
        channel = broker.default_channel
        queue = Queue("crashes.checkouts", topology.EVENTS, "order.checkout_settled", exclusive=True)
        queue(channel).declare()

        def take() -> Facts:
            while message := channel.basic_get(queue.name, no_ack=True):
                for event in json.loads(message.body)[0][0]:
                    found[event["checkout_id"]].add(event["event_id"])
            return found

        yield take


def test_a_checkout_of_three_is_one_thing_though_an_order_is_refused_and_its_worker_dies(
    market: Market, seller: Person, buyer: Person
) -> None:
    url, worker = market.services.listings_db.url, "listings-worker"
    things = [seller.sell(title, quantity=9) for title in ("Crunchy armchair", "Reading lamp")]
    things.append(seller.sell("Coat for all weathers but one", quantity=9, currency="XTS"))
    with facts_of_checkouts(market) as facts:
        with held_statement(url, when="AFTER INSERT", **SETTLED) as seam:
            rolled_back = buyer.check_out(*things).json()["id"]
            die_before_the_commit(market, worker, seam)
        with held_commit(url, **SETTLED) as seam:
            committed = buyer.check_out(*things).json()["id"]
            die_after_the_commit(market, worker, seam)
        checkouts = {rolled_back, committed}
        assert wait_until(lambda: facts().keys() >= checkouts, timeout_seconds=60)
        assert wait_until(lambda: notified(market, buyer) == ["checkout_settled"] * 2, timeout_seconds=60)
        market.audit()
        assert {checkout: len(facts()[checkout]) for checkout in checkouts} == dict.fromkeys(checkouts, 1)
    events = market.listings(
        "SELECT payload ->> 'checkout_id', count(*) FROM listings_liveevent WHERE type = 'checkout_settled'"
        " AND payload ->> 'checkout_id' = ANY(%s) GROUP BY 1",
        list(checkouts),
    )
    assert dict(events) == dict.fromkeys(checkouts, 1)
    for checkout in checkouts:
        shown = buyer.request("GET", f"/api/checkouts/{checkout}/").json()
        assert shown["status"] == "settled"
        assert [order["status"] for order in shown["orders"]] == ["completed", "completed", "rejected"]


def notified(market: Market, person: Person) -> list[str]:
    sql = "SELECT kind FROM listings_notification WHERE recipient_id = %s ORDER BY id"
    return [kind for (kind,) in market.listings(sql, person.id)]
