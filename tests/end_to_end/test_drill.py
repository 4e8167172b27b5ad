"""An incident: the fee function is deployed broken and two messages cannot be handled, while people buy.

The operator has the admin of each service and the command line, and no SQL.
"""

import json
from collections.abc import Iterator
from typing import Any

import amqp
import pytest
from celery import Celery

from microstore.contracts.transactions import ORDER_CREATED
from stack.waiting import wait_until
from tests.support.broken_fees import Misbehaving, broken_fees, real_answer
from tests.support.market import Market
from tests.support.operator import Operator
from tests.support.rush import Rush

pytestmark = pytest.mark.timeout(300)

GROUPS = "/admin/messaging/deadletter/groups/"
BROKEN, MANGLED, UNREADABLE = (
    "no schedule in this deployment",
    "currency: Field required",
    "headers.id: Field required",
)
WHY = "fees were deployed without their schedule"


@pytest.fixture
def open_shop(market: Market) -> Iterator[Rush]:
    """Two people who buy without pause."""
    rush = Rush(market, buyers=2)
    rush.start()
    rush.wait_for_purchases(5)
    yield rush
    rush.stop()
    rush.close()


def mangle_one_message(market: Market) -> None:
    """Remove the currency from a message on its way: the relay publishes none that fits no contract."""
    market.stack.stop("listings-relay")
    waiting = "SELECT id FROM messaging_outboxmessage WHERE contract = 'order_created' ORDER BY id LIMIT 1"
    take = f"DELETE FROM messaging_outboxmessage WHERE id = ({waiting}) RETURNING payload"
    taken: list[Any] = []

    def take_one() -> bool:
        taken.extend(market.listings(take))
        return bool(taken)

    assert wait_until(take_one, timeout_seconds=30)
    [(payload,)] = taken
    del payload["currency"]
    sender = Celery("sender", broker=market.services.rabbitmq.url, set_as_current=False)
    ORDER_CREATED.signature([payload], app=sender).apply_async()
    sender.close()
    market.stack.start("listings-relay")


def refuse_every_second_order(fees: Misbehaving, body: bytes) -> None:
    """A fault of some orders: what all of them met would be an outage, and dead-letter none."""
    if any(order["order_id"][-1] in "13579bdf" for order in json.loads(body)["orders"]):
        fees.answer(400, f'{{"error": "{BROKEN}"}}'.encode())
    else:
        fees.answer(200, json.dumps(real_answer(body)).encode())


def send_garbage(market: Market) -> None:
    """Publish a body that is no message of any contract."""
    broker = market.services.rabbitmq
    with amqp.Connection(f"127.0.0.1:{broker.port}", userid="microstore", password=broker.password) as sender:
        garbage = amqp.Message("tomatoes", content_type="application/json", headers={"task": "tomatoes"})
        sender.channel().basic_publish(garbage, routing_key="transactions")


def see(operator: Operator, path: str, *words: str) -> str:
    """Wait until a page contains all of these words, and return its text."""
    seen: list[str] = []

    def all_are_there() -> bool:
        seen[:] = [operator.read("transactions", path)]
        return all(word in seen[0] for word in words)

    assert wait_until(all_are_there, timeout_seconds=90), seen[0][:3000]
    return seen[0]


def decide(operator: Operator, words: str, *, decision: str, reason: str) -> str:
    """Find the group that contains these words, preview the decision, carry it out; return both pages."""
    for link in operator.links("transactions", GROUPS, "decide/"):
        preview = operator.read("transactions", link)
        if words in preview:
            return preview + operator.post("transactions", link, decision=decision, reason=reason, rate="200")
    raise AssertionError(f"no group contains {words!r}")


def groups_with(operator: Operator, words: str) -> bool:
    return words in operator.read("transactions", GROUPS)


def test_an_operator_finds_the_causes_mends_them_and_loses_nothing(market: Market, open_shop: Rush) -> None:
    operator = Operator(market)
    discard_old_dead_letters(market)
    fees_port = int(market.settings["FEES_PORT"])
    market.stack.stop("fees")
    with broken_fees(fees_port, refuse_every_second_order):
        mangle_one_message(market)
        send_garbage(market)
        # The front page shows that something waits, the groups show why.
        see(operator, "/admin/", "dead letters waiting", BROKEN, MANGLED, UNREADABLE)
        open_shop.wait_for_purchases(5)
    market.stack.start("fees")  # the operator rolls the deployment back
    market.stack.wait_ready("fees")

    page = decide(operator, BROKEN, decision="replay", reason=WHY)
    assert "will run" in page
    assert "replayed." in page
    # What was on its last attempt meanwhile may have been dead-lettered since: once more, until none is left.
    while groups_with(operator, BROKEN):
        decide(operator, BROKEN, decision="replay", reason=WHY)

    # The mangled one cannot be replayed; its order is sent again by reconcile, whole.
    page = decide(operator, MANGLED, decision="discard", reason="mangled on its way; the order is sent again")
    assert "cannot be replayed" in page
    open_shop.stop()
    market.manage("listings", "reconcile", "--older-than", "0")
    [garbage] = [line for line in list_groups(market) if UNREADABLE in line]
    market.manage(
        "transactions", "dead_letters", "discard", "--group", garbage.split("\t")[0], "--reason", "tomatoes"
    )

    outcome = open_shop.check()
    assert (outcome.lost, outcome.doubled) == (0, 0), outcome
    assert list_groups(market) == []
    assert "Everything agrees." in market.manage("listings", "audit")
    actions = operator.read("transactions", "/admin/staff/staffaction/")
    assert f"{operator.name} replayed" in actions
    assert WHY in actions


def discard_old_dead_letters(market: Market) -> None:
    """Discard the dead letters of other tests."""
    for line in list_groups(market):
        group = line.split("\t")[0]
        market.manage(
            "transactions", "dead_letters", "discard", "--group", group, "--reason", "of the day before"
        )


def list_groups(market: Market) -> list[str]:
    """The lines of `dead_letters list`, without its headings."""
    return market.manage("transactions", "dead_letters", "list").splitlines()[1:]
