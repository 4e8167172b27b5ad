"""The command `manage.py post_ledger`: posts old transactions to the ledger."""

import threading
from typing import Any

from django.core.management.base import BaseCommand

from microstore.messaging.shutdown import set_on_signals
from transactions.ledger.posting import post_old_sales


class Command(BaseCommand):
    """Post in steps, until nothing is left or SIGTERM comes; run again, it continues."""

    help = "Post recorded transactions that the ledger does not have; may be stopped and run again."
    requires_system_checks = ()  # they would import every page

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        set_on_signals(stopping)
        total = 0
        for posted in post_old_sales():
            total += posted
            if stopping.is_set():
                break
        self.stdout.write(f"Sales posted: {total}.")
