"""Messages about the deletion of an account."""

from typing import Annotated, ClassVar

from pydantic import Field

from microstore.contracts.contract import Contract, Id, Message


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


ACCOUNT_FORGOTTEN = Contract("account_forgotten", AccountForgotten, to="listings")
ACCOUNT_DELETED = Contract("account_deleted", AccountDeleted, to="transactions", reply=ACCOUNT_FORGOTTEN)
