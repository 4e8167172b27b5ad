"""Files of payouts for a bank: CSV of all, and ISO 20022 pain.001 of those in euro, in a folder a batch."""

import csv
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connection, transaction
from sepaxml import SepaTransfer
from uuid_utils.compat import uuid7

from microstore.database.clock import database_now
from microstore.staff.money import in_major_units
from transactions.csv_export import escape_formulas
from transactions.payouts.details import BankDetails, as_banks_write, try_open
from transactions.payouts.models import Payout
from transactions.payouts.preparing import find_sendable

log = structlog.get_logger(__name__)

PAYOUTS_IN_FILE = 1_000
UNFINISHED = "."  # begins the name of a folder whose payouts are perhaps not stored as sent
UNFINISHED_BATCH = UNFINISHED + 32 * "[0-9a-f]"
SEPA_CURRENCY = "EUR"  # SEPA knows no other, and pain.001 of sepaxml no other number of digits
COLUMNS = ("reference", "holder", "iban", "amount", "currency")
LOCK = 0x7061796F757473  # of PostgreSQL's advisory locks


def write_files() -> int:
    """Write the prepared payouts into files of a new folder in PAYOUTS_FOLDER; return how many.

    The folder appears under its name, which begins with no dot, once its payouts are stored as sent: by a
    rename, so once. Killed between the two, the next call makes up for it.
    """
    with transaction.atomic():
        _lock_folder()
        _publish_unfinished()
        payouts = _claim_prepared()
        if not payouts:
            return 0
        batch = uuid7().hex
        _write(_folder() / f"{UNFINISHED}{batch}", payouts)
        Payout.objects.filter(pk__in=[payout.pk for payout in payouts]).update(
            status=Payout.Status.SENT, provider="file", batch=batch, sent_at=database_now()
        )
    # Killed here, `_publish_unfinished` of the next call renames it.
    _publish(batch)
    log.info("payouts_written", batch=batch, count=len(payouts))
    return len(payouts)


def _folder() -> Path:
    folder = Path(settings.PAYOUTS_FOLDER)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _lock_folder() -> None:
    # While another process has written a folder and not committed, it is not to be taken for a dead one's.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _publish_unfinished() -> None:
    """Publish what a process stored as sent before it died; delete what it did not."""
    # Not what else begins with a dot: a volume's snapshots, `.gitkeep`, or a home where the setting is wrong.
    for folder in _folder().glob(UNFINISHED_BATCH):
        batch = folder.name.removeprefix(UNFINISHED)
        if Payout.objects.filter(batch=batch).exists():
            _publish(batch)
        else:
            shutil.rmtree(folder)


def _publish(batch: str) -> None:
    with suppress(FileNotFoundError):  # another process was faster
        (_folder() / f"{UNFINISHED}{batch}").rename(_folder() / batch)


def _claim_prepared() -> Mapping[Payout, BankDetails]:
    rows = find_sendable().select_related("bank_account").select_for_update(of=("self",), skip_locked=True)
    return {payout: details for payout in rows[:PAYOUTS_IN_FILE] if (details := try_open(payout))}


def _write(folder: Path, payouts: Mapping[Payout, BankDetails]) -> None:
    folder.mkdir(mode=0o700)
    with (folder / "payouts.csv").open("x", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for payout, details in payouts.items():
            amount = in_major_units(payout.amount_cents, payout.currency)
            row = [payout.pk.hex, details.holder, details.iban, f"{amount:f}", payout.currency]
            writer.writerow(escape_formulas(row))
    euros = {payout: its for payout, its in payouts.items() if payout.currency == SEPA_CURRENCY}
    if euros and settings.PAYOUTS_FROM:
        (folder / "pain.001.xml").write_bytes(_as_pain_001(euros))


def _as_pain_001(payouts: Mapping[Payout, BankDetails]) -> bytes:
    """Return the credit transfers as pain.001.001.03; raises sepaxml's ValidationError."""
    transfers = SepaTransfer({**settings.PAYOUTS_FROM, "batch": True, "currency": SEPA_CURRENCY})
    today = database_now().date()
    for payout, details in payouts.items():
        transfers.add_payment(
            {
                "name": as_banks_write(details.holder),
                "IBAN": details.iban,
                "amount": payout.amount_cents,
                "execution_date": today,
                "description": f"MicroStore payout {payout.pk.hex}",
                "endtoend_id": payout.pk.hex,
            }
        )
    exported: bytes = transfers.export(validate=True)
    return exported
