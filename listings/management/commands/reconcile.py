"""The command `manage.py reconcile`: sends overdue orders again and deletes what is old."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

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
from listings.webhooks.store import waiting_deliveries
from microstore.database.clock import make_future_due
from microstore.environment import read_seconds
from microstore.messaging.rounds import RoundsCommand


class Command(RoundsCommand):
    """Resend what is overdue and delete what is old."""

    help = "Send order_created again for orders that stay pending; delete what is old."
    name = "reconcile"
    older_than: timedelta

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            type=read_seconds,
            metavar="SECONDS",
            default=settings.RECONCILE_AFTER_SECONDS,
            help="pending for longer, and not sent again meanwhile (default %(default)s)",
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, older_than: float, every: float | None = None, **options: Any) -> None:
        self.older_than = timedelta(seconds=older_than)
        self.run(every)

    def do_round(self) -> str:
        resent = self.run_steps(resend_overdue(self.older_than))
        events = self.run_steps(clean_live_events(timedelta(days=settings.LIVE_EVENT_DAYS)))
        notifications = self.run_steps(clean_notifications(timedelta(days=settings.NOTIFICATION_DAYS)))
        history = self.run_steps(clean_account_events(timedelta(days=settings.ACCOUNT_HISTORY_DAYS)))
        mails = self.run_steps(clean_account_mails(timedelta(days=settings.NOTIFICATION_DAYS)))
        webhooks = self.run_steps(clean_webhooks(timedelta(days=settings.WEBHOOK_LOG_DAYS)))
        make_future_due(waiting_deliveries())
        digests = request_digests()
        notices = request_notices()
        self.run_steps(carry_on_deletions(self.older_than))
        self.run_steps(carry_on_exports(self.older_than))
        return (
            f"Orders sent again: {resent}. Deleted, old: {events} live events, {notifications} notifications,"
            f" {history} account events, {mails} e-mails of accounts, {webhooks} webhooks."
            f" E-mails requested: {digests} digests, {notices} of webhooks switched off."
        )
