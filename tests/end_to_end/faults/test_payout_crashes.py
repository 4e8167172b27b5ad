"""Payout processes are killed, the provider dies and misbehaves: each seller is paid once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from random import choice

import pytest

from stack.processes.stack import Stack
from stack.waiting import wait_until
from tests.end_to_end.faults.test_crash_points import kill_after_the_commit, kill_before_the_commit
from tests.support.holding import Held, held_commit, held_statement
from tests.support.market import Market, Person
from tests.support.messages import CURRENCIES
from tests.support.payday import ANOTHER, PROCESS, WRITER, Payday
from tests.support.reliability import Moved, note_moved

FAULTS = {
    "no_work": "no answer, and no payment",
    "no_answer": "no answer after the payment",
    "wrong_amount": "an answer about another amount",
    "late": "an answer after its client's patience",
    "twice": "the same answer twice",
}
Kill = Callable[[Stack, str, Held], None]
Seam = tuple[str, str, str, Kill]
CLAIMING: tuple[Seam, ...] = (
    ("before they are claimed", "INSERT", "prepared", kill_before_the_commit),
    ("claimed, before they are sent", "INSERT", "prepared", kill_after_the_commit),
)
# Of one currency each: what was stored as sent is passed over by the next process, until it is looked up.
SENDING: tuple[Seam, ...] = (
    ("before one is stored as sent", "UPDATE", "sent", kill_before_the_commit),
    ("one is stored as sent, before the call", "UPDATE", "sent", kill_after_the_commit),
    ("the provider has paid, before that is stored", "UPDATE", "paid", kill_before_the_commit),
    ("one is stored as paid", "UPDATE", "paid", kill_after_the_commit),
)
WRITING: tuple[Seam, ...] = (
    ("a file is written, before that is stored", "UPDATE", "sent", kill_before_the_commit),
    ("a file is stored as written, before it appears", "UPDATE", "sent", kill_after_the_commit),
)


@pytest.fixture
def payday(market: Market, tmp_path: Path) -> Iterator[Payday]:
    """The market's own process would pay by files meanwhile."""
    market.stack.stop("transactions-payouts")
    payday = Payday(market, tmp_path, [fault for fault in FAULTS for _ in CURRENCIES])
    yield payday
    payday.stack.stop_all()


def held(payday: Payday, event: str, status: str, kill: Kill) -> AbstractContextManager[Held]:
    url, table = payday.market.services.transactions_db.url, "transactions_payout"
    where = f"NEW.status = '{status}'"
    if kill is kill_after_the_commit:
        return held_commit(url, table=table, after=event, where=where)
    return held_statement(url, when=f"AFTER {event}", table=table, where=where)


def kill_at(payday: Payday, process: str, seam: Seam) -> None:
    _, event, status, kill = seam
    with held(payday, event, status, kill) as hold:
        payday.stack.start(process)
        kill(payday.stack, process, hold)


def note_crashes(seams: Sequence[Seam], outcome: Moved) -> None:
    for name, *_ in seams:
        note_moved(f"crash: payouts, {name}", outcome)


def test_a_payout_is_paid_once_though_its_process_is_killed_at_each_seam(payday: Payday) -> None:
    sellers = payday.add_sellers(1)
    payday.open("bank")
    for seam in CLAIMING + SENDING:
        kill_at(payday, PROCESS, seam)
    payday.stack.start(PROCESS)
    payday.wait_paid(sellers)
    note_crashes(CLAIMING + SENDING, payday.outcome(sellers))


def test_a_file_for_the_bank_appears_once_though_its_writer_is_killed_at_each_seam(
    payday: Payday, tmp_path: Path
) -> None:
    [seller] = payday.add_sellers(1)
    for seam in WRITING:
        kill_at(payday, WRITER, seam)
        assert not payday.written()
    payday.stack.start(WRITER)
    assert wait_until(lambda: bool(payday.written()), timeout_seconds=30)
    lines = payday.written()
    assert sorted(line["currency"] for line in lines) == sorted(CURRENCIES)
    statement = tmp_path / "statement.csv"
    [(today,)] = payday.market.transactions("SELECT current_date")
    rows = [",".join([line["reference"], line["amount"], line["currency"], str(today)]) for line in lines]
    statement.write_text("\n".join(["reference,amount,currency,booked_on", *rows]) + "\n")
    payday.market.manage("transactions", "payouts", "reconcile", str(statement))
    payday.wait_paid([seller])
    payday.stack.stop(WRITER)
    assert payday.written() == lines
    note_crashes(WRITING, Moved(len(CURRENCIES), lost=0, doubled=0))


def test_a_provider_that_dies_after_it_has_paid_pays_once(payday: Payday) -> None:
    sellers = payday.add_sellers(1)
    payday.stack.start(PROCESS)
    for paid in range(len(CURRENCIES)):
        payday.open("late-bank")
        assert wait_until(partial(has_paid, payday, more_than=paid), timeout_seconds=30)
        payday.stack.kill("late-bank")
    payday.open("bank")
    payday.wait_paid(sellers)
    note_moved("payment provider: dies after it has paid", payday.outcome(sellers))


def has_paid(payday: Payday, *, more_than: int) -> bool:
    payday.pass_time()
    return payday.payments().total() > more_than


def test_a_provider_that_answers_wrongly_late_twice_or_never_pays_once(payday: Payday) -> None:
    sellers = payday.add_sellers(len(FAULTS))
    payday.open("wrong-bank")
    payday.stack.start(PROCESS)
    # Sent in the order of the sellers, so that each meets one fault in each currency.
    assert wait_until(lambda: has_sent_all(payday, sellers), timeout_seconds=60), payday.statuses(sellers)
    met = dict(zip(FAULTS, sellers, strict=True))
    found = {fault: dict(payday.statuses([seller])) for fault, seller in met.items()}
    assert found == {fault: {"paid" if fault == "twice" else "unknown": 3} for fault in FAULTS}
    payday.wait_paid(sellers)
    for fault, seller in met.items():
        note_moved(f"payment provider: {FAULTS[fault]}", payday.outcome([seller]))


def has_sent_all(payday: Payday, sellers: list[Person]) -> bool:
    found = payday.statuses(sellers)
    return found.total() == len(sellers) * len(CURRENCIES) and not found["prepared"] and not found["sent"]


def test_two_processes_that_pay_at_once_and_are_killed_pay_once(payday: Payday) -> None:
    sellers = payday.add_sellers(8)
    payday.open("bank")
    for process in (PROCESS, ANOTHER):
        payday.stack.start(process)
    for paid in (3, 6, 9):
        assert wait_until(partial(has_paid, payday, more_than=paid), timeout_seconds=30)
        payday.stack.kill(process := choice((PROCESS, ANOTHER)))
        payday.stack.start(process)
    payday.wait_paid(sellers)
    note_moved("two payout processes at once, one killed three times", payday.outcome(sellers))
