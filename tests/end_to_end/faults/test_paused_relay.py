"""A relay stands still for a while, as in a machine that is moved or swaps, and wakes up in another world."""

from collections.abc import Iterator
from contextlib import contextmanager

from stack.processes.stack import Stack
from tests.support.holding import held_statement
from tests.support.market import Market
from tests.support.rush import Rush, rush


@contextmanager
def second_relay(market: Market) -> Iterator[None]:
    """Another one beside the first."""
    more = Stack(
        {"listings-relay": market.stack.commands["listings-relay"]},
        environment=market.stack.environment,
        folder=market.stack.logs.parent / "second",
    )
    try:
        more.start_all()
        more.wait_all_ready()
        yield
    finally:
        more.stop_all()


@contextmanager
def relay_paused_in_the_middle(market: Market) -> Iterator[None]:
    """The relay has published a batch, not yet deleted its rows, and goes no further; another one comes."""
    url, table = market.services.listings_db.url, "messaging_outboxmessage"
    with held_statement(url, when="BEFORE DELETE", table=table) as held:
        held.wait()
        market.stack["listings-relay"].freeze()
        held.let_go()
        try:
            with second_relay(market):
                yield
        finally:
            market.stack["listings-relay"].thaw()


def wait_settled_while_it_sleeps(market: Market, hour: Rush) -> None:
    """What is bought from now on completes without it."""
    before = set(hour.accepted)
    hour.wait_for_purchases(50)
    market.wait_settled(set(hour.accepted) - before)


def test_a_relay_that_sleeps_over_its_batch_and_wakes_does_no_harm(market: Market) -> None:
    with rush(market, "a relay paused between publish and delete, then woken") as hour:
        with relay_paused_in_the_middle(market):
            wait_settled_while_it_sleeps(market, hour)
        hour.wait_for_purchases(20)


def test_a_relay_whose_session_is_gone_when_it_wakes_does_no_harm(market: Market) -> None:
    """PostgreSQL has given up on it meanwhile, and another relay has sent the same rows again."""
    paused = market.stack.log("listings-relay").count("relay_paused")
    with rush(market, "a relay paused, its session ended, then woken") as hour:
        with relay_paused_in_the_middle(market):
            ended = market.listings(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"
                " AND query LIKE 'DELETE%%messaging_outboxmessage%%'"
            )
            assert ended == [(True,)]
            wait_settled_while_it_sleeps(market, hour)
        hour.wait_for_purchases(20)
    # It has met the lost session, and has gone on.
    assert market.stack.log("listings-relay").count("relay_paused") > paused
