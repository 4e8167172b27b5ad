"""Messages that no worker can handle, between purchases: they become dead letters, and work goes on."""

from uuid import uuid4

import pytest

from stack.waiting import wait_until
from tests.support.market import Market
from tests.support.poison import Killer, Poison, connect, kinds, one
from tests.support.rush import rush

SERVICES = ["listings", "transactions"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_message_that_cannot_be_handled_becomes_a_dead_letter_and_the_worker_goes_on(
    market: Market, service: str
) -> None:
    worker = market.stack.pid(f"{service}-worker")
    poisons = kinds(service)
    marks = {name: uuid4().hex for name in poisons}
    with rush(market, f"{len(poisons)} kinds of poison on the queue `{service}`"):
        with connect(market.services.rabbitmq.url) as connection:
            channel = connection.channel()
            for name, poison in poisons.items():
                poison.publish(channel, service=service, mark=marks[name])
        wait_until(lambda: not find_missing(market, service, poisons, marks), timeout_seconds=30)
    assert find_missing(market, service, poisons, marks) == []
    assert market.stack.pid(f"{service}-worker") == worker


def test_a_message_that_kills_each_child_that_takes_it_becomes_a_dead_letter(market: Market) -> None:
    order_id, mark = str(uuid4()), uuid4().hex
    killer = Poison(one("transactions", order_id=order_id))
    worker = market.stack.pid("transactions-worker")
    with rush(market, "a message that kills the child of the worker that takes it") as hour:
        with Killer(market, order_id) as murder, connect(market.services.rabbitmq.url) as connection:
            killer.publish(connection.channel(), service="transactions", mark=mark)

            def is_kept() -> bool:
                murder.kill()
                # Polled so often that the ten megabytes of another dead letter must not be read each time.
                kept = "SELECT count(*) FROM messaging_deadletter WHERE headers ->> 'mark' = %s"
                return market.transactions(kept, mark) == [(1,)]

            assert wait_until(is_kept, timeout_seconds=240), f"killed {murder.killed} children"
        assert murder.killed > 20
        assert find_missing(market, "transactions", {"killer": killer}, {"killer": mark}) == []
        hour.wait_for_purchases(10)
    assert market.stack.pid("transactions-worker") == worker


def find_missing(
    market: Market, service: str, poisons: dict[str, Poison], marks: dict[str, str]
) -> list[str]:
    """The kinds without a dead letter that holds exactly what was published."""
    query = market.listings if service == "listings" else market.transactions
    letters = query(
        "SELECT headers ->> 'mark', raw_body, payload FROM messaging_deadletter WHERE state = 'waiting'"
    )
    raw = [(mark, bytes(body)) for mark, body, _ in letters if body is not None]
    events = [payload for _, body, payload in letters if body is None]

    def is_kept(name: str, poison: Poison) -> bool:
        if poison.dead_lettered:
            return poison.event in events
        mark = marks[name] if poison.headers is not None and poison.is_readable else None
        return (mark, poison.body_for(marks[name])) in raw

    return [name for name, poison in poisons.items() if not is_kept(name, poison)]
