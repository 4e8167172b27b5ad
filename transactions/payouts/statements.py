"""Reading a bank's statement: its lines settle payouts, and what disagrees or is missing is named."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple
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
LONGEST_REFERENCE = 100
HIGHEST_CENTS = 2**63 - 1  # that a bigint holds
OLDEST = date(2000, 1, 1)  # before any payout
AHEAD = timedelta(days=1)  # of the bank's day, to the east of ours

Status = Payout.Status


class NoStatement(Exception):
    """The file is no statement, or not a whole one; nothing of it was stored."""


class Line(NamedTuple):
    """A payment as the statement has it, and which of equal ones it is."""

    reference: str
    amount_cents: int
    currency: str
    booked_on: date
    occurrence: int

    def __str__(self) -> str:
        return f"{self.reference} of {self.booked_on}, {show_amount(self.amount_cents, self.currency)}"


class Report(NamedTuple):
    """Lines in the statement, payouts that they have settled, and a sentence for each problem."""

    lines: int
    paid: int
    problems: list[str]


@transaction.atomic
def read_statement(file: Path) -> Report:
    """Store the lines of a statement and settle the payouts in it; raises NoStatement or OSError.

    A payout is paid by a line with its id, amount and currency. Read again, or in a statement that overlaps,
    a line changes nothing.
    """
    lines = list(_read(file, latest=database_now().date() + AHEAD))
    if not lines:
        raise NoStatement("It has no lines.")
    payouts = _lock_payouts(lines)
    # By a payout the lines of this and of earlier statements that would pay it: one alone does.
    paying = _find_paying(payouts.values())
    problems: dict[Line, str] = {}
    for line in lines:
        payout = payouts.get(line.reference)
        problem = _find_problem(line, payout, paying)
        if problem:
            problems[line] = problem
        elif payout:
            paying[payout.pk] = line
    # Stored with what they settle: a process that dies in between has read nothing, and reads it again.
    _store(file, lines, payouts, problems)
    outcomes = {
        payouts[line.reference].pk: Outcome(Status.UNKNOWN, f"In a statement, but {problem}.")
        for line, problem in problems.items()
        if line.reference in payouts and payouts[line.reference].status in (Status.SENT, Status.UNKNOWN)
    }
    good = {payouts[line.reference].pk for line in lines if line not in problems}
    settled = settle_payouts(outcomes | {pk: Outcome(Status.PAID) for pk in good})
    missing = _mark_missing(max(line.booked_on for line in lines))
    named = [f"{line}: {problem}" for line, problem in problems.items()]
    paid = sum(payout.status == Status.PAID for payout in settled)
    return Report(len(lines), paid, [*named, *missing])


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


def _parse(row: dict[str, str | None], latest: date) -> tuple[str, int, str, date]:
    reference, amount, currency, booked_on = ((row[name] or "").strip() for name in COLUMNS)
    # Measured before any arithmetic, which would unfold a huge exponent.
    if len(amount) > LONGEST_AMOUNT or not amount.replace(".", "", 1).isdecimal() or not amount.isascii():
        raise ValueError(f"{amount[:LONGEST_AMOUNT]!r} is no amount")
    cents = Decimal(amount).scaleb(minor_unit_digits(currency))
    if cents != int(cents):
        raise ValueError(f"{amount} has too many digits for {currency}")
    if cents > HIGHEST_CENTS:
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


def _find_paying(payouts: Iterable[Payout]) -> dict[UUID, Line]:
    stored = StatementLine.objects.filter(payout__in=list(payouts), problem="")
    return {
        each.payout_id: Line(
            each.reference, each.amount_cents, each.currency, each.booked_on, each.occurrence
        )
        for each in stored
        if each.payout_id
    }


def _find_problem(line: Line, payout: Payout | None, paying: dict[UUID, Line]) -> str:
    if payout is None:
        return "there is no such payout"
    if (line.amount_cents, line.currency) != (payout.amount_cents, payout.currency):
        return f"the payout is of {show_amount(payout.amount_cents, payout.currency)}"
    if paying.get(payout.pk, line) != line:
        return f"the payout was paid before, on {paying[payout.pk].booked_on}"
    if payout.status in (Status.PREPARED, Status.FAILED):
        return f"the payout is {payout.status}"
    return ""


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
