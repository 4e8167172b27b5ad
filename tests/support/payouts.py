"""Facts of payouts, as the process that pays leaves them in the outbox."""

from tests.support.market import Market

SEND = """
from django.db import transaction
from transactions.payouts.facts import FACTS, send_facts
from transactions.payouts.models import Payout
with transaction.atomic():
    rows = [Payout(seller_id={seller_id}, amount_cents=1, currency="EUR", status=status) for status in FACTS]
    send_facts(rows)
"""


def send_facts_of_payouts(market: Market, *, seller_id: int) -> None:
    """Send one of each kind."""
    code = SEND.format(seller_id=seller_id)
    market.manage("transactions", "shell", "--no-imports", "--command", code)
