"""The command `manage.py post_ledger`: posts what the ledger lacks."""

import threading
from typing import Any

from django.core.management.base import BaseCommand

from microstore.messaging.shutdown import set_on_signals
from transactions.ledger.posting import post_missing


class Command(BaseCommand):
    """Post in steps, until nothing is left or SIGTERM comes; run again, it continues."""

    help = "Post what the ledger does not have of sales, refunds and payouts; may be stopped and run again."
    requires_system_checks = ()  # they would import every page

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        set_on_signals(stopping)
        total = 0
        for posted in post_missing():
            total += posted
            if stopping.is_set():
                break
        self.stdout.write(f"Journals posted: {total}.")
