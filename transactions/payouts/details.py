"""Details of bank accounts: opened where payouts are sent, and sealed anew when the key is exchanged."""

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce, Now
from pydantic import AfterValidator, BaseModel, Field, ValidationError
from text_unidecode import unidecode

from microstore.auth.sealing import CannotOpen, open_sealed, public_half, seal
from microstore.database.texts import nfkc
from transactions.ledger.balances import balances_of
from transactions.payouts.models import OPEN, BankAccount, Payout

ROWS_AT_ONCE = 500

log = structlog.get_logger(__name__)


def as_banks_write(holder: str) -> str:
    """Return the name in ASCII, as a file of payments has it: Lukasz for Łukasz, A for the circled one."""
    written: str = unidecode(nfkc(holder))
    return written.strip()


def _is_written_by_banks(holder: str) -> str:
    # By one empty name the file is invalid, and nobody is paid.
    if not as_banks_write(holder):
        raise ValueError("a bank would write nothing of it")
    return holder


class BankDetails(BaseModel):
    """Owner and number of a bank account, of the form that a file of payments can hold."""

    holder: Annotated[
        str, Field(max_length=70, pattern=r"^[^\x00-\x1f\x7f]+$"), AfterValidator(_is_written_by_banks)
    ]
    iban: Annotated[str, Field(pattern="^[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}$")]


def open_details(account: BankAccount) -> BankDetails:
    """Return the details of the account; raises CannotOpen, also where they are another seller's.

    And where they are of no bank account: with one such payment a bank, or the file's schema, refuses all.
    """
    purpose = purpose_of(account.seller_id)
    opened = open_sealed(account.sealed, settings.BANK_DETAILS_PRIVATE_KEYS, purpose=purpose)
    try:
        return BankDetails.model_validate_json(opened)
    except ValidationError:
        # Without the error, which quotes what is sealed.
        raise CannotOpen("What is sealed is no bank account.") from None


def try_open(payout: Payout) -> BankDetails | None:
    """Return the details of the payout's account; log and return None where no key opens them."""
    try:
        return open_details(payout.bank_account)
    except CannotOpen as error:
        log.error("payout_not_opened", payout_id=str(payout.pk), error=str(error))
        return None


def purpose_of(seller_id: int) -> str:
    """Return the purpose for which a seller's details are sealed: they open as nobody else's."""
    return f"bank account of seller {seller_id}"


def erase_details(seller_id: int) -> bool:
    """Erase the details of a seller's bank accounts; return False while something is to be paid to one.

    The seller has left, and sells nothing more: what is owed is paid out, though it be less than the minimum.
    """
    accounts = BankAccount.objects.filter(seller_id=seller_id).exclude(sealed="")
    # Locked, as whoever prepares a payout locks it: none is prepared meanwhile.
    if not accounts.select_for_update(no_key=True).exists():
        return True
    owed = any(each.pending_cents + each.available_cents > 0 for each in balances_of(seller_id))
    if owed or Payout.objects.filter(seller_id=seller_id, status__in=OPEN).exists():
        accounts.update(seller_left=True)
        return False
    accounts.update(sealed="", masked="", replaced_at=Coalesce("replaced_at", Now()))
    return True


def seal_all_anew() -> Iterator[int]:
    """Seal all details for the first of BANK_DETAILS_PRIVATE_KEYS; yield the number of each step."""
    public_key = public_half(settings.BANK_DETAILS_PRIVATE_KEYS[0])
    after = UUID(int=0)
    while chunk := _seal_chunk(after, public_key):
        sealed, after = chunk
        yield sealed


@transaction.atomic
def _seal_chunk(after: UUID, public_key: str) -> tuple[int, UUID] | None:
    # Replaced ones too: a payout to one may be on its way, and is perhaps sent again.
    rows = BankAccount.objects.filter(pk__gt=after).exclude(sealed="").order_by("pk")
    accounts = list(rows.select_for_update(no_key=True)[:ROWS_AT_ONCE])
    opened = []
    for account in accounts:
        purpose = purpose_of(account.seller_id)
        try:
            text = open_sealed(account.sealed, settings.BANK_DETAILS_PRIVATE_KEYS, purpose=purpose)
        except CannotOpen as error:
            # It stays as it is, and keeps no other from its new key.
            log.error("bank_details_not_opened", bank_account=str(account.pk), error=str(error))
            continue
        account.sealed = seal(text, public_key, purpose=purpose)
        opened.append(account)
    BankAccount.objects.bulk_update(opened, ["sealed"])
    return (len(opened), accounts[-1].pk) if accounts else None
