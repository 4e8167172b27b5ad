"""The Django app."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Tables and commands for messages; each service has its own."""

    name = "microstore.messaging"
    label = "messaging"
    verbose_name = "Messages"
