"""`manage.py relay`: carry the outbox to the broker until told to stop."""

from typing import Any

import structlog
from django.core.management.base import BaseCommand

from microstore.celery import app
from microstore.messaging.sending.monitored_relay import MonitoredRelay
from microstore.metrics.exposition import expose
from microstore.shutdown import set_on_signals

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Publishes what the outbox holds and stores what has died; safe to run many times over."""

    help = "Publish the outbox until SIGTERM; the batch under way is finished."
    requires_system_checks = ()  # they would import every page

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal."""
        relay = MonitoredRelay(app)
        set_on_signals(relay.stopping)
        expose()
        log.info("relay started")
        relay.run()
        log.info("relay stopped")
