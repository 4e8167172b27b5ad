"""A real Prometheus finds every process, understands every rule, and misses what has gone."""

from pathlib import Path

import pytest

from stack.waiting import wait_until
from tests.support.market import Market, Person
from tests.support.prometheus import local_targets, watched


@pytest.mark.timeout(600)  # the first one may have to install it
def test_prometheus_sees_every_process_a_purchase_and_a_relay_that_is_gone(
    market: Market, seller: Person, buyer: Person, tmp_path: Path
) -> None:
    with watched(tmp_path, market.settings) as prometheus:
        every_process = [len(local_targets(market.settings))]
        assert wait_until(lambda: prometheus.value("sum(up)") == every_process, timeout_seconds=30)
        assert prometheus.value("count(up)") == every_process
        completed = "sum(microstore_time_to_truth_seconds_count)"
        [before] = prometheus.value(completed)
        market.wait_settled([buyer.buy(seller.sell("Crunchy armchair")).json()["id"]])
        # One more at least: an order of the test before may complete meanwhile.
        assert wait_until(lambda: prometheus.value(completed) >= [before + 1], timeout_seconds=30)

        def rules() -> list[dict[str, str]]:
            return [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]

        assert wait_until(lambda: {rule["health"] for rule in rules()} == {"ok"}, timeout_seconds=30)
        may_wait = {"DeadLettersWaiting", "TimeToTruthSlow"}  # of a test before, and of a busy machine
        assert {rule["name"] for rule in rules() if rule["state"] != "inactive"} <= may_wait

        market.stack.stop("transactions-relay")
        gone = 'ALERTS{alertname="ProcessGone", service="transactions", process="relay"}'
        assert wait_until(lambda: prometheus.value(gone) == [1], timeout_seconds=30)
