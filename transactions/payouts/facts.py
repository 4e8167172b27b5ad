"""Facts of payouts: one for each journal of a payout, in the transaction that posts it."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import uuid5

from microstore.contracts.contract import AnyContract, Message
from microstore.contracts.payouts import PAYOUT_FAILED, PAYOUT_PAID, PAYOUT_PREPARED
from microstore.messaging.sending import outbox
from microstore.telemetry.tracing import current_trace
from transactions.payouts.models import Payout

Status = Payout.Status
FACTS: dict[str, AnyContract] = {
    Status.PREPARED: PAYOUT_PREPARED,
    Status.PAID: PAYOUT_PAID,
    Status.FAILED: PAYOUT_FAILED,
    # To its seller it is the same, after all.
    Status.RETURNED: PAYOUT_FAILED,
}


def send_facts(payouts: Iterable[Payout]) -> None:
    """Send the fact of each payout's status, where it has one: the same event, however often it is sent."""
    of_status: dict[str, list[Payout]] = defaultdict(list)
    for payout in payouts:
        of_status[payout.status].append(payout)
    for status in of_status.keys() & FACTS.keys():
        fact = FACTS[status]
        outbox.send_all(fact, [_make(fact, payout) for payout in of_status[status]])


def _make(fact: AnyContract, payout: Payout) -> Message:
    message: Message = fact(
        event_id=uuid5(payout.pk, fact.name),
        payout_id=payout.pk,
        seller_id=payout.seller_id,
        amount_cents=payout.amount_cents,
        currency=payout.currency,
        trace=current_trace(),
    )
    return message
