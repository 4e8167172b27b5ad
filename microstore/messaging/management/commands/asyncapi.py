"""`manage.py asyncapi`: write the catalogue of messages."""

from typing import Any

from django.core.management.base import BaseCommand

from microstore.messaging.asyncapi import describe_project, to_yaml


class Command(BaseCommand):
    """Writes commands with their replies, facts and WebSocket frames as an AsyncAPI 3 document."""

    help = "Write the catalogue of messages as an AsyncAPI 3 document."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(to_yaml(describe_project()), ending="")
