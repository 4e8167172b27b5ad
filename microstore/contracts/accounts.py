"""Messages about accounts: their deletion, archives of their data, and sellers' bank accounts."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field

from microstore.contracts.contract import Contract, Id, Message, Moment

MAX_ROWS = 200  # of a page: with the longest titles that is some 100 kB

Page = Annotated[int, Field(strict=True, ge=0)]
Cursor = Annotated[str, Field(max_length=100)]
File = Annotated[str, Field(pattern="^[a-z_]{1,40}$")]


class AccountMessage(Message):
    """A message about one account, by which two of them are compared."""

    key_field: ClassVar[str] = "account_id"

    account_id: Id


class AccountDeleted(AccountMessage):
    """The account is deleted: what it wrote goes, and what it bought and sold keeps its number alone."""

    # SHA-256 of the folded name: log-ins that were tried with it at the admin are found by it.
    name_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class AccountForgotten(AccountMessage):
    """The transactions service has deleted what the account wrote."""


class ExportRequested(AccountMessage):
    """The owner of the account wants an archive of what is stored of it: this page of it is to be sent."""

    export_id: UUID
    page: Page
    cursor: Cursor = ""  # as the page before it had it in `next_cursor`


class AccountExported(AccountMessage):
    """A page of what the transactions service has of the account: rows of a file of the archive."""

    export_id: UUID
    page: Page
    file: File
    rows: Annotated[list[dict[str, Any]], Field(max_length=MAX_ROWS)]
    next_cursor: Cursor = ""  # empty: it was the last


class BankAccountMessage(Message):
    """A message about one change of a seller's bank account."""

    key_field: ClassVar[str] = "bank_account_id"

    bank_account_id: UUID
    seller_id: Id


class BankAccountChanged(BankAccountMessage):
    """The seller has given another bank account; what is sealed opens only where payouts are sent."""

    sealed: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/=]{1,2000}$")]
    masked: Annotated[str, Field(min_length=1, max_length=40)]
    changed_at: Moment


class BankAccountRecorded(BankAccountMessage):
    """The transactions service has the bank account, and pays to it after the waiting time."""


BANK_ACCOUNT_RECORDED = Contract("bank_account_recorded", BankAccountRecorded, to="listings")
BANK_ACCOUNT_CHANGED = Contract(
    "bank_account_changed", BankAccountChanged, to="transactions", reply=BANK_ACCOUNT_RECORDED
)
ACCOUNT_FORGOTTEN = Contract("account_forgotten", AccountForgotten, to="listings")
ACCOUNT_DELETED = Contract("account_deleted", AccountDeleted, to="transactions", reply=ACCOUNT_FORGOTTEN)
ACCOUNT_EXPORTED = Contract("account_exported", AccountExported, to="listings")
EXPORT_REQUESTED = Contract("export_requested", ExportRequested, to="transactions", reply=ACCOUNT_EXPORTED)
