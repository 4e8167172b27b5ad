"""Reading a bank's statement: its lines settle payouts, and what disagrees or is missing is named."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from microstore.database.clock import database_now
from microstore.database.texts import printable
from microstore.staff.money import minor_unit_digits, show_amount
from microstore.telemetry.tracing import uuid_of
from transactions.payouts.models import Payout, StatementLine
from transactions.payouts.settling import Outcome, settle_payouts

COLUMNS = ("reference", "amount", "currency", "booked_on")
BOOKED_WITHIN = timedelta(days=3)  # of sending: a bank books a credit transfer on the next working day
MOST_LINES = 100_000
LONGEST_AMOUNT = 24
AMOUNT = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
LONGEST_REFERENCE = 100
HIGHEST_CENTS = 2**63 - 1  # that a bigint holds
OLDEST = date(2000, 1, 1)  # before any payout
ANOTHER_ZONE = timedelta(days=1)  # the bank's day may begin before or after ours

Status = Payout.Status
RETURNED = Outcome(Status.RETURNED, "Returned by the bank.")
BACK = "returned by the bank, and in the seller's balance again"


class NoStatement(Exception):
    """The file is no statement, or not a whole one; nothing of it was stored."""


class Line(NamedTuple):
    """A payment as the statement has it, and which of equal ones it is."""

    reference: str
    amount_cents: int
    currency: str
    booked_on: date
    occurrence: int

    @property
    def is_return(self) -> bool:
        """Whether the amount has come back."""
        return self.amount_cents < 0

    def __str__(self) -> str:
        return f"{self.reference} of {self.booked_on}, {show_amount(self.amount_cents, self.currency)}"


class Report(NamedTuple):
    """Lines in the statement, payouts that they have paid, and a sentence for each problem and return."""

    lines: int
    paid: int
    problems: list[str]


@transaction.atomic
def read_statement(file: Path) -> Report:
    """Store the lines of a statement and settle the payouts in it; raises NoStatement or OSError.

    A payout is paid by a line with its id, amount and currency, and has come back by one with the amount
    below zero. Read again, or in a statement that overlaps, a line changes nothing.
    """
    # Banks list the newest first: returns are read after what they return.
    lines = sorted(_read(file, latest=database_now().date() + ANOTHER_ZONE), key=lambda line: line.is_return)
    if not lines:
        raise NoStatement("It has no lines: nothing was booked, or it is not whole.")
    payouts = _lock_payouts(lines)
    # The lines of this and of earlier statements that pay a payout or return it: one alone does.
    settling = _find_settling(payouts.values())
    problems: dict[Line, str] = {}
    for line in lines:
        payout = payouts.get(line.reference)
        problem = _find_problem(line, payout, settling)
        if problem:
            problems[line] = problem
        elif payout:
            settling[payout.pk, line.is_return] = line
    # Stored with what they settle: a process that dies in between has read nothing, and reads it again.
    _store(file, lines, payouts, problems)
    outcomes = {
        payouts[line.reference].pk: Outcome(Status.UNKNOWN, f"In a statement, but {problem}.")
        for line, problem in problems.items()
        if line.reference in payouts and payouts[line.reference].status in (Status.SENT, Status.UNKNOWN)
    }
    good = [(payouts[line.reference].pk, line.is_return) for line in lines if line not in problems]
    settled = settle_payouts(outcomes | {pk: Outcome(Status.PAID) for pk, is_return in good if not is_return})
    returned = settle_payouts({pk: RETURNED for pk, is_return in good if is_return})
    missing = _mark_missing(max(line.booked_on for line in lines))
    named = [f"{line}: {problem}" for line, problem in problems.items()]
    paid = sum(payout.status == Status.PAID for payout in settled)
    back = [f"{payout.pk} of seller {payout.seller_id}: {BACK}" for payout in returned]
    return Report(len(lines), paid, [*named, *missing, *back])


def _read(file: Path, *, latest: date) -> Iterator[Line]:
    try:
        yield from _parse_file(file, latest)
    except (csv.Error, UnicodeDecodeError) as error:
        raise NoStatement(str(error)) from error


def _parse_file(file: Path, latest: date) -> Iterator[Line]:
    with file.open(newline="", encoding="utf-8-sig") as opened:
        rows = csv.DictReader(opened, strict=True)
        counts = Counter(rows.fieldnames or ())
        if wrong := [name for name in COLUMNS if counts[name] != 1]:
            raise NoStatement(f"It has not one column {', '.join(wrong)}.")
        seen: Counter[tuple[object, ...]] = Counter()
        for number, row in enumerate(rows, 2):
            if number > MOST_LINES:
                raise NoStatement(f"It has more than {MOST_LINES} lines.")
            try:
                terms = _parse(row, latest)
            except (ValueError, TypeError, InvalidOperation) as error:
                raise NoStatement(f"Line {number}: {error}") from error
            seen[terms] += 1
            yield Line(*terms, seen[terms])


def _parse(row: dict[Any, Any], latest: date) -> tuple[str, int, str, date]:
    if any(row.get(None, ())):  # a decimal comma, perhaps: of 50,01 the amount would be 50
        raise ValueError("it has more fields than the first line")
    reference, amount, currency, booked_on = ((row[name] or "").strip() for name in COLUMNS)
    # Measured before any arithmetic, which would unfold a huge exponent.
    if len(amount) > LONGEST_AMOUNT or not AMOUNT.fullmatch(amount):
        raise ValueError(f"{amount[:LONGEST_AMOUNT]!r} is no amount")
    cents = Decimal(amount).scaleb(minor_unit_digits(currency))
    if cents != int(cents):
        raise ValueError(f"{amount} has too many digits for {currency}")
    if abs(cents) > HIGHEST_CENTS:
        raise ValueError(f"{amount} is more than can be stored")
    shown = printable(reference)[:LONGEST_REFERENCE]
    return str(uuid_of(shown) or shown), int(cents), currency, _as_day(booked_on, latest)


def _as_day(text: str, latest: date) -> date:
    day = date.fromisoformat(text)
    # By one slip in a year all that was sent since would be missing in the statement.
    if not OLDEST <= day <= latest:
        raise ValueError(f"nothing can be booked on {day}")
    return day


def _lock_payouts(lines: Sequence[Line]) -> dict[str, Payout]:
    ids = [found for line in lines if (found := uuid_of(line.reference))]
    rows = Payout.objects.filter(pk__in=ids).order_by("id").select_for_update(no_key=True)
    return {str(payout.pk): payout for payout in rows}


def _find_settling(payouts: Iterable[Payout]) -> dict[tuple[UUID, bool], Line]:
    stored = StatementLine.objects.filter(payout__in=list(payouts), problem="")
    lines = [(each.payout_id, Line(*(getattr(each, name) for name in Line._fields))) for each in stored]
    return {(payout_id, line.is_return): line for payout_id, line in lines if payout_id}


def _find_problem(line: Line, payout: Payout | None, settling: dict[tuple[UUID, bool], Line]) -> str:
    if payout is None:
        return "there is no such payout"
    if (abs(line.amount_cents), line.currency) != (payout.amount_cents, payout.currency):
        return f"the payout is of {show_amount(payout.amount_cents, payout.currency)}"
    first = settling.get((payout.pk, line.is_return), line)
    if first != line:
        return f"the payout was {'returned' if line.is_return else 'paid'} before, on {first.booked_on}"
    if payout.sent_at and line.booked_on < payout.sent_at.date() - ANOTHER_ZONE:
        return f"the payout was sent on {payout.sent_at:%Y-%m-%d} only"
    if line.is_return:
        arrived = (payout.pk, False) in settling or payout.status in (Status.PAID, Status.RETURNED)
        return "" if arrived else f"the payout is {payout.status}, and has not arrived"
    return f"the payout is {payout.status}" if payout.status in (Status.PREPARED, Status.FAILED) else ""


def _store(file: Path, lines: Sequence[Line], payouts: dict[str, Payout], problems: dict[Line, str]) -> None:
    StatementLine.objects.bulk_create(
        (
            StatementLine(
                **line._asdict(),
                payout=payouts.get(line.reference),
                problem=problems.get(line, ""),
                statement=printable(file.name)[:200],
            )
            for line in lines
        ),
        ignore_conflicts=True,
    )


def _mark_missing(through: date) -> list[str]:
    """Name the payouts that should be in a statement up to this day and are in none.

    Those of files become unknown: nobody else says whether they are paid.
    """
    due = Payout.objects.filter(
        status__in=[Status.SENT, Status.UNKNOWN, Status.PAID],
        lines=None,
        sent_at__date__lte=through - BOOKED_WITHIN,
    ).order_by("id")
    reason = f"In no statement up to {through}."
    missing = list(due)
    settle_payouts(
        {
            payout.pk: Outcome(Status.UNKNOWN, reason)
            for payout in missing
            if payout.provider == "file" and payout.status != Status.PAID
        }
    )
    return [
        f"{payout.pk}, {show_amount(payout.amount_cents, payout.currency)}, sent on {payout.sent_at:%Y-%m-%d}"
        f" to seller {payout.seller_id} ({payout.status}): in no statement up to {through}"
        for payout in missing
    ]
