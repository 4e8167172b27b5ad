"""Deleting what was written by or about the owner of a deleted account; figures and numbers stay.

The ledger has nothing else. Tables whose rows are written once let a text be emptied, and nothing more
(refunds/sql/append_only.sql).
"""

from collections.abc import Sequence

import structlog
from django.db import transaction

from microstore.auth.names import retire_name
from microstore.contracts.accounts import BANK_ACCOUNT_CHANGED, AccountDeleted
from microstore.messaging.dead_letters import scrub
from transactions.models import Transaction
from transactions.payouts.details import erase_details
from transactions.refunds.models import Refund

TEXTS = {"title": "", "description": "", "picture": ""}
REASON = {"reason": "Deleted."}  # a contract wants one, and dead letters stay replayable

log = structlog.get_logger(__name__)


@transaction.atomic
def forget_accounts(deleted: Sequence[AccountDeleted]) -> list[AccountDeleted]:
    """Empty the texts of these accounts' sales and refunds, here and in dead letters, and their bank details.

    Returns the messages of those accounts of which nothing is left. One that is owed something keeps its bank
    details until that is paid out: its message has no reply, and listings sends it again.
    Idempotent: a message that is delivered again finds the texts empty.
    """
    left = set()
    for message in {each.account_id: each for each in deleted}.values():
        account_id = message.account_id
        sold = Transaction.objects.filter(seller_id=account_id)
        emptied = sold.exclude(title="", description="", picture="").update(**TEXTS)
        own = sold | Transaction.objects.filter(buyer_id=account_id)
        # The reason is the seller's, and may be about the buyer.
        Refund.objects.filter(transaction__in=own).exclude(reason="").update(reason="")
        scrub.scrub_account(account_id, own, key="order_id", texts=TEXTS | REASON)
        retire_name(message.name_hash)
        if erase_details(account_id):
            # One that was never recorded has the number of a bank account, too, and could be replayed.
            scrub.delete_letters(BANK_ACCOUNT_CHANGED, seller_id=account_id)
        else:
            left.add(account_id)
        log.info("account_forgotten", account_id=account_id, transactions=emptied)
    return [message for message in deleted if message.account_id not in left]
