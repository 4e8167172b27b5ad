"""The Django app of the audit."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """An app without models: it reads the services' tables and imports none of their code."""

    name = "audit"
