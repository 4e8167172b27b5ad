"""The Django app of transactions."""

from microstore import service


class TransactionsConfig(service.ServiceConfig):
    """Configuration of the transactions app."""

    name = "transactions"
