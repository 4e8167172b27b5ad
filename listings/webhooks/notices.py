"""E-mails to owners of endpoints that were switched off because they fail."""

from django.db import transaction

from listings.accounts import mails
from listings.accounts.models import AccountMail
from listings.webhooks.models import WebhookEndpoint

MOST_AT_ONCE = 100  # the next round of reconcile finds the others


@transaction.atomic
def request_notices() -> int:
    """Request an e-mail for each endpoint that was switched off; return how many there are.

    Run regularly, and not by the sender: its database role may write no command into the outbox.
    """
    due = WebhookEndpoint.objects.filter(mail_due=True).select_related("owner").order_by("pk")
    endpoints = due.select_for_update(of=("self",), skip_locked=True)[:MOST_AT_ONCE]
    for endpoint in endpoints:
        if endpoint.owner.email:
            mails.request_mail(
                AccountMail.Kind.WEBHOOK_OFF, address=endpoint.owner.email, user=endpoint.owner
            )
    WebhookEndpoint.objects.filter(pk__in=[each.pk for each in endpoints]).update(mail_due=False)
    return len(endpoints)
