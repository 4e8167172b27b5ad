"""`manage.py relay`: publish the outbox until SIGTERM."""

from typing import Any

import structlog
from django.core.management.base import BaseCommand

from microstore.messaging.metrics import start_at_zero
from microstore.messaging.project import celery_app
from microstore.messaging.sending.monitored_relay import MonitoredRelay
from microstore.messaging.shutdown import set_on_signals
from microstore.metrics.exposition import expose

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Publishes the outbox and collects dead letters; any number of them work beside each other."""

    help = "Publish the outbox until SIGTERM; the batch under way is finished."
    requires_system_checks = ()  # they would import every page

    def handle(self, *args: Any, **options: Any) -> None:
        relay = MonitoredRelay(celery_app())
        set_on_signals(relay.stopping)
        start_at_zero()
        expose()
        log.info("relay started")
        relay.run()
        log.info("relay stopped")
