"""The command `manage.py reconcile`: sends overdue orders again and deletes what is old."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error

from listings.accounts.deletion import carry_on_deletions
from listings.accounts.exporting import carry_on_exports
from listings.notifications.digests import request_digests
from listings.settling.reconcile import (
    clean_account_events,
    clean_account_mails,
    clean_live_events,
    clean_notifications,
    clean_webhooks,
    resend_overdue,
)
from listings.webhooks.notices import request_notices
from microstore.database.outage import drop_connection
from microstore.environment import read_interval, read_seconds
from microstore.messaging.shutdown import set_on_signals
from microstore.metrics.exposition import expose
from microstore.telemetry.heartbeat import beat

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Run one round, or one every given number of seconds; several may run at the same time."""

    help = "Send order_created again for orders that stay pending; delete what is old."
    requires_system_checks = ()  # they would import every page

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stopping = threading.Event()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            type=read_seconds,
            metavar="SECONDS",
            default=settings.RECONCILE_AFTER_SECONDS,
            help="pending for longer, and not sent again meanwhile (default %(default)s)",
        )
        parser.add_argument("--every", type=read_interval, metavar="SECONDS", help="go on until SIGTERM")

    def handle(self, *args: Any, older_than: float, every: float | None = None, **options: Any) -> None:
        wait = timedelta(seconds=older_than)
        if every is None:
            self.stdout.write(self.do_round(wait))
            return
        set_on_signals(self.stopping)
        expose()
        log.info("reconcile started", every_seconds=every)
        while not self.stopping.is_set():
            self.try_round(wait)
            self.stopping.wait(every)
        log.info("reconcile stopped")

    def try_round(self, older_than: timedelta) -> None:
        """Run a round; log a failure of the database, after which the next round continues."""
        try:
            log.info("reconciled", result=self.do_round(older_than))
            beat()
        except Error as error:
            log.warning("reconcile_failed", error=repr(error))
            # Django keeps a broken connection outside of a transaction: every later round would fail by it.
            drop_connection()

    def do_round(self, older_than: timedelta) -> str:
        """Run a round and return its result as a sentence."""
        resent = self.run_steps(resend_overdue(older_than))
        events = self.run_steps(clean_live_events(timedelta(days=settings.LIVE_EVENT_DAYS)))
        notifications = self.run_steps(clean_notifications(timedelta(days=settings.NOTIFICATION_DAYS)))
        history = self.run_steps(clean_account_events(timedelta(days=settings.ACCOUNT_HISTORY_DAYS)))
        mails = self.run_steps(clean_account_mails(timedelta(days=settings.NOTIFICATION_DAYS)))
        webhooks = self.run_steps(clean_webhooks(timedelta(days=settings.WEBHOOK_LOG_DAYS)))
        digests = request_digests()
        notices = request_notices()
        self.run_steps(carry_on_deletions(older_than))
        self.run_steps(carry_on_exports(older_than))
        return (
            f"Orders sent again: {resent}. Deleted, old: {events} live events, {notifications} notifications,"
            f" {history} account events, {mails} e-mails of accounts, {webhooks} webhooks."
            f" E-mails requested: {digests} digests, {notices} of webhooks switched off."
        )

    def run_steps(self, steps: Iterator[int]) -> int:
        """Run the steps and return the sum of their counts."""
        total = 0
        for count in steps:
            total += count
            # Each step has committed: after SIGTERM the rest is left to the next round.
            if self.stopping.is_set():
                break
        return total
