"""Facts of payouts, which the transactions service publishes."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from microstore.contracts.contract import Contract, Currency, Id, Message


class PayoutMessage(Message):
    """A message about one payout, by which two of them are compared."""

    key_field: ClassVar[str] = "payout_id"

    payout_id: UUID
    seller_id: Id
    amount_cents: Annotated[int, Field(strict=True, ge=1)]
    currency: Currency


class PayoutPrepared(PayoutMessage):
    """The amount has left the seller's balance, to be sent to the bank account; published as a fact only."""


class PayoutPaid(PayoutMessage):
    """The bank has paid the amount to the seller; published as a fact only."""


class PayoutFailed(PayoutMessage):
    """The amount was not paid, or came back, and is in the seller's balance; published as a fact only."""


PAYOUT_PREPARED = Contract("payout_prepared", PayoutPrepared, fact="payout.prepared")
PAYOUT_PAID = Contract("payout_paid", PayoutPaid, fact="payout.paid")
PAYOUT_FAILED = Contract("payout_failed", PayoutFailed, fact="payout.failed")
PAYOUTS = (PAYOUT_PREPARED, PAYOUT_PAID, PAYOUT_FAILED)
