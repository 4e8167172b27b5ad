"""The Django app of transactions."""

from django.apps import AppConfig


class TransactionsConfig(AppConfig):
    """Configuration of the transactions app."""

    name = "transactions"
