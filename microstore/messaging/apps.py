"""The Django app."""

from django.apps import AppConfig

from microstore.messaging.receiving.amqp_properties import make_all_readable


class MessagingConfig(AppConfig):
    """Tables and commands for messages; each service has its own."""

    name = "microstore.messaging"
    label = "messaging"
    verbose_name = "Messages"

    def ready(self) -> None:
        """Called once a process, before it has a connection to the broker."""
        make_all_readable()
