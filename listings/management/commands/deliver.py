"""The command `manage.py deliver`: sends webhooks until SIGTERM."""

import os
from typing import Any

import structlog
from django.core.management.base import BaseCommand

from listings.webhooks.sender import Sender
from microstore.messaging.shutdown import set_on_signals
from microstore.metrics.exposition import expose

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Sends webhooks; any number of them work beside each other."""

    help = "Send webhooks until SIGTERM; the calls under way are finished."
    requires_system_checks = ()  # they would import every page

    def handle(self, *args: Any, **options: Any) -> None:
        # glibc's: a name server that does not answer takes 3 s, not 10.
        os.environ.setdefault("RES_OPTIONS", "timeout:3 attempts:1")
        sender = Sender()
        set_on_signals(sender.stopping)
        expose()
        log.info("deliver started")
        sender.run()
        log.info("deliver stopped")
