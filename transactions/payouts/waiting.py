"""Metric of the balances that are available and not paid out, by what they wait for."""

from collections import Counter
from collections.abc import Mapping

from django.db.models.functions import Now

from microstore.metrics import Gauge
from transactions.ledger.balances import Balance, available
from transactions.payouts.models import BankAccount, Payout
from transactions.payouts.preparing import find_recent, is_enough

WAITING = Gauge(
    "microstore_payouts_waiting",
    "Balances that are available and not claimed, after claiming, by what they wait for: a usable bank"
    " `account`, a larger `amount`, the `schedule` or the end of a payout, or nothing but the `process`.",
    ["waits_for"],
    multiprocess_mode="mostrecent",
)


def measure_waiting() -> None:
    """Set the metric, by reading the sums of all sellers."""
    usable = BankAccount.objects.filter(replaced_at=None, usable_at__lte=Now())
    sellers = dict(usable.values_list("seller_id", "seller_left"))
    recent = find_recent(Payout.objects.all())
    found = Counter(_find_reason(each, sellers, recent) for each in available())
    for reason in ("account", "amount", "schedule", "process"):
        WAITING.labels(reason).set(found[reason])


def _find_reason(balance: Balance, sellers: Mapping[int, bool], recent: set[tuple[int, str]]) -> str:
    if balance.seller_id not in sellers:
        return "account"
    if not is_enough(balance, seller_left=sellers[balance.seller_id]):
        return "amount"
    return "schedule" if balance[:2] in recent else "process"
