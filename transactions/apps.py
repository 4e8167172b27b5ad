"""The Django app of transactions."""

from microstore import service


class TransactionsConfig(service.ServiceConfig):
    """Configuration of the transactions app."""

    name = "transactions"
    enum_names = {
        "StatusEnum": "transactions.models.Transaction.Status",
        "PayoutStatusEnum": "transactions.payouts.models.Payout.Status",
    }
