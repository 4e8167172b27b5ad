"""The Django app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """No models: it reads the tables of others, and knows none of their code."""

    name = "audit"
