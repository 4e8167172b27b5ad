"""Statements of a bank as files, and what `manage.py payouts reconcile` makes of them."""

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from django.core.management import call_command
from django.db.models import F

from microstore.staff.money import in_major_units
from transactions.payouts.models import Payout

BOOKED = datetime.now(UTC).date()


def make_older(days: int = 30) -> None:
    """Let so many days pass since all payouts were sent: a statement has no day that is still to come."""
    Payout.objects.update(sent_at=F("sent_at") - timedelta(days=days))


def statement(folder: Path, *lines: str, name: str = "statement.csv") -> Path:
    """Write a statement of these lines."""
    file = folder / name
    file.write_text("\n".join(["reference,amount,currency,booked_on", *lines]) + "\n")
    return file


def line_of(payout: Payout, *, amount: str = "", booked_on: date = BOOKED) -> str:
    """Return the line of the payout, with its own amount unless another one is given."""
    amount = amount or str(in_major_units(payout.amount_cents, payout.currency))
    return f"{payout.pk.hex},{amount},{payout.currency},{booked_on}"


def reconcile(file: Path) -> tuple[int, list[str]]:
    """Return the exit code and the lines of the output."""
    out = io.StringIO()
    try:
        call_command("payouts", "reconcile", str(file), stdout=out)
    except SystemExit as error:
        return int(str(error.code)), out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()
