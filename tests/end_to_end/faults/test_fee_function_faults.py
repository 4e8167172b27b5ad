"""What the fee function can do to its client."""

import json

import pytest

from stack.waiting import wait_until
from tests.support.broken_fees import Behaviour, Misbehaving, broken_fees, real_answer
from tests.support.copies import copies, take_copies
from tests.support.market import Market, Person
from tests.support.rush import rush


def hang(request: Misbehaving, body: bytes) -> None:
    """No answer within the client's time limit."""
    assert request.connection.recv(1) == b""  # until the client has closed the connection


def fail(request: Misbehaving, body: bytes) -> None:
    """500."""
    request.answer(500, b'{"error": "no"}')


def refuse_for_now(request: Misbehaving, body: bytes) -> None:
    """429."""
    request.answer(429, b"{}", Retry_After="1")


def talk_nonsense(request: Misbehaving, body: bytes) -> None:
    """200, but no answer to the question."""
    request.answer(200, b"<html>Welcome!</html>")


def break_off(request: Misbehaving, body: bytes) -> None:
    """Half an answer."""
    answer = json.dumps(real_answer(body)).encode()
    request.answer(200, answer[: len(answer) // 2], length=len(answer))


def leave_one_out(request: Misbehaving, body: bytes) -> None:
    """An answer without one of the orders."""
    fees = real_answer(body)["fees"]
    request.answer(200, json.dumps({"fees": fees[1:]}).encode())


def lose_the_route(request: Misbehaving, body: bytes) -> None:
    """404, from a gateway without its route."""
    request.answer(404, b'{"error": "no route"}')


def point_elsewhere(request: Misbehaving, body: bytes) -> None:
    """A redirect to another host."""
    request.answer(307, b"", Location="http://fees.invalid/")


def charge_too_much(request: Misbehaving, body: bytes) -> None:
    """A fee of 10^30."""
    fees = [{**fee, "fee_cents": 10**30, "total_cents": 10**30} for fee in real_answer(body)["fees"]]
    request.answer(200, json.dumps({"fees": fees}).encode())


BEHAVIOURS = (
    *(hang, fail, refuse_for_now, talk_nonsense, break_off, leave_one_out),
    *(lose_the_route, point_elsewhere, charge_too_much),
)


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_fee_function_that_misbehaves(market: Market, behaviour: Behaviour) -> None:
    name = behaviour.__doc__ or ""
    with rush(market, f"fee function: {name.rstrip('.')}") as hour:
        market.stack.stop("fees")
        with broken_fees(int(market.settings["FEES_PORT"]), behaviour):
            outages = market.stack.log("transactions-worker").count("outage")
            hour.wait_for_purchases(30)
            assert wait_until(
                lambda: market.stack.log("transactions-worker").count("outage") > outages, timeout_seconds=40
            )
        market.stack.start("fees")


def test_one_order_that_cannot_be_priced_does_not_hold_up_the_batch_it_is_in(
    market: Market, seller: Person, buyer: Person
) -> None:
    """The relay finds all fifty at once, and puts them into one message."""
    good, bad = seller.sell("Matchbox", quantity=50), seller.sell("Coat", currency="XTS", quantity=5)
    market.stack.stop("listings-relay")
    accepted = [buyer.buy(good).json()["id"] for _ in range(25)]
    refused = buyer.buy(bad).json()["id"]
    accepted += [buyer.buy(good).json()["id"] for _ in range(24)]
    connection, queues = copies(market)
    with connection:
        market.stack.start("listings-relay")
        assert market.wait_settled(accepted) == {"completed": 49}
        assert market.wait_settled([refused]) == {"rejected": 1}
        assert 50 in [len(events) for events in take_copies(connection, queues)]
    assert market.available(bad) == 5
