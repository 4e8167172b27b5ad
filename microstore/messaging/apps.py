"""The Django app of messages."""

from django.apps import AppConfig

from microstore.messaging.receiving.amqp_properties import make_all_readable


class MessagingConfig(AppConfig):
    """Tables and commands for messages; each service has its own."""

    name = "microstore.messaging"
    label = "messaging"
    verbose_name = "Messages"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Before the process has a connection to the broker.
        make_all_readable()
