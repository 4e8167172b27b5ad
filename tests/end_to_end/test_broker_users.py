"""Every process with the broker's rights of production: who logs in, what a worker obeys."""

from typing import Any

import pytest
from celery import Celery
from celery.worker.control import Panel

from microstore.messaging.receiving.remote_control import COMMANDS
from stack.waiting import wait_until
from tests.support.market import Market, Person

# One argument list for all commands that have some; what a command does not know it refuses.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "add_consumer": {"queue": "transactions"},
    "cancel_consumer": {"queue": "listings"},
    "pool_shrink": {"n": 1},
    "revoke": {"task_id": "0" * 36},
    "rate_limit": {"task_name": "listings.item_sold", "rate_limit": "1/h"},
    "time_limit": {"task_name": "listings.item_sold", "hard": 1},
}


def users_in(market: Market) -> set[str]:
    return set(market.services.rabbitmq.ctl("list_connections", "user").split()[1:])


def test_a_purchase_settles_with_the_rights_of_production(
    market: Market, seller: Person, buyer: Person
) -> None:
    order_id = buyer.buy(seller.sell()).json()["id"]
    assert market.wait_settled([order_id]) == {"completed": 1}
    assert users_in(market) >= {"listings", "listings_control", "notifications", "transactions"}
    queues = market.services.rabbitmq.ctl("list_queues", "name").split()
    mailboxes = sorted(name.partition("-")[0] for name in queues if name.endswith(".pidbox"))
    assert mailboxes == ["listings", "transactions"]  # a listener's user may make no queue
    for process in ("listings-relay", "transactions-relay"):
        assert "not_declared" not in market.stack.log(process)


@pytest.fixture
def flower(market: Market) -> Celery:
    """A client with Flower's user."""
    return Celery("flower", broker=market.settings["FLOWER_BROKER_URL"], set_as_current=False)


def test_workers_answer_what_flower_reads_and_obey_nothing(market: Market, flower: Celery) -> None:
    def read(what: str) -> dict[str, Any]:
        answers: dict[str, Any] = {}

        def both_answer() -> bool:
            for answer in flower.control.broadcast(what, reply=True, timeout=2) or []:
                answers.update(answer)
            return len(answers) == 2

        assert wait_until(both_answer, timeout_seconds=30)
        return answers

    before = {what: read(what) for what in ("active_queues", "conf", "registered")}
    pools = {name: sorted(stats["pool"]["processes"]) for name, stats in read("stats").items()}
    for command in sorted(Panel.data.keys() - COMMANDS):
        flower.control.broadcast(command, arguments=ARGUMENTS.get(command, {}))
    # A mailbox is read in order, so what came before has been refused.
    assert {name.partition("-")[0] for name in read("ping")} == {"listings", "transactions"}
    assert {what: read(what) for what in before} == before
    assert {name: sorted(stats["pool"]["processes"]) for name, stats in read("stats").items()} == pools
    assert market.wait_logged("listings-worker", "KeyError('shutdown')")
    flower.close()
