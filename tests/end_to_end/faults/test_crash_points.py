"""A process is killed at an exact point of a purchase, where PostgreSQL holds its statement."""

import signal

from stack.processes.stack import Stack
from stack.waiting import wait_until
from tests.support.holding import Held, held_commit, held_statement
from tests.support.market import Market
from tests.support.rush import rush


def restart(stack: Stack, process: str) -> None:
    stack.start(process)
    stack.wait_ready(process)


def kill_before_the_commit(stack: Stack, process: str, held: Held) -> None:
    """The process is killed before its statement ends: PostgreSQL rolls back."""
    held.wait()
    stack[process].kill()
    held.let_go()


def kill_after_the_commit(stack: Stack, process: str, held: Held) -> None:
    """The process is frozen while PostgreSQL commits, and is killed before it receives the result."""
    held.wait()
    stack[process].freeze()
    held.let_go()
    stack[process].kill()


def die_before_the_commit(market: Market, process: str, held: Held) -> None:
    kill_before_the_commit(market.stack, process, held)
    restart(market.stack, process)


def die_after_the_commit(market: Market, process: str, held: Held) -> None:
    kill_after_the_commit(market.stack, process, held)
    restart(market.stack, process)


def test_the_api_dies_after_the_commit_and_before_its_answer(market: Market) -> None:
    """The buyer gets no answer, clicks again with the same key, and has bought once."""
    with rush(market, "crash: API, after the buy's commit, before its answer") as hour:
        with held_commit(market.services.listings_db.url, table="messaging_outboxmessage") as held:
            die_after_the_commit(market, "listings-api", held)
        hour.wait_for_purchases(5)


def test_the_relay_dies_after_the_publish_and_before_the_delete(market: Market) -> None:
    url, table = market.services.listings_db.url, "messaging_outboxmessage"
    with rush(market, "crash: relay, after the publish, before the outbox delete") as hour:
        with held_statement(url, when="BEFORE DELETE", table=table) as held:
            die_before_the_commit(market, "listings-relay", held)
        hour.wait_for_purchases(5)


def test_the_worker_dies_after_the_fee_answer_and_before_its_transaction_commits(market: Market) -> None:
    url, table = market.services.transactions_db.url, "transactions_transaction"
    with rush(market, "crash: transactions worker, after the fee, before its commit") as hour:
        with held_statement(url, when="AFTER INSERT", table=table) as held:
            die_before_the_commit(market, "transactions-worker", held)
        hour.wait_for_purchases(5)


def test_the_worker_dies_after_its_commit_and_before_the_chained_publish(market: Market) -> None:
    url, table = market.services.transactions_db.url, "transactions_transaction"
    with rush(market, "crash: transactions worker, after its commit, before the callback") as hour:
        with held_commit(url, table=table) as held:
            die_after_the_commit(market, "transactions-worker", held)
        hour.wait_for_purchases(5)


def test_the_worker_dies_after_the_chained_publish_and_before_the_acknowledgement(market: Market) -> None:
    """Its main process, which acknowledges, stands still; its children go on to publish their callbacks."""
    url, table = market.services.transactions_db.url, "transactions_transaction"
    with rush(market, "crash: transactions worker, after the callback, before the acknowledgement") as hour:
        with held_commit(url, table=table) as held:
            held.wait()
            market.stack.signal("transactions-worker", signal.SIGSTOP)
            recorded = recorded_orders(market)
            held.let_go()
        # Only children run, so whatever is recorded from now on was held; one of it completed was published.
        assert wait_until(
            lambda: is_any_completed(market, recorded_orders(market) - recorded), timeout_seconds=30
        )
        market.stack["transactions-worker"].kill()
        restart(market.stack, "transactions-worker")
        hour.wait_for_purchases(5)


def test_the_listings_worker_dies_in_the_middle_of_completing(market: Market) -> None:
    url, table = market.services.listings_db.url, "listings_liveevent"
    with rush(market, "crash: listings worker, in the middle of completing") as hour:
        with held_statement(url, when="AFTER INSERT", table=table) as held:
            die_before_the_commit(market, "listings-worker", held)
        hour.wait_for_purchases(5)


def test_the_listings_worker_dies_after_completing_and_before_it_pushes_the_event(market: Market) -> None:
    with rush(market, "crash: listings worker, after completing, before the push") as hour:
        with held_commit(market.services.listings_db.url, table="listings_liveevent") as held:
            die_after_the_commit(market, "listings-worker", held)
        hour.wait_for_purchases(5)


def recorded_orders(market: Market) -> set[str]:
    return {order for (order,) in market.transactions("SELECT order_id::text FROM transactions_transaction")}


def is_any_completed(market: Market, orders: set[str]) -> bool:
    sql = "SELECT count(*) FROM listings_order WHERE status = 'completed' AND id = ANY(%s::uuid[])"
    return market.listings(sql, list(orders)) != [(0,)]
