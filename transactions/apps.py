"""The Django app."""

from django.apps import AppConfig


class TransactionsConfig(AppConfig):
    """Recorded sales."""

    name = "transactions"
