"""Bound of e-mails to one mailbox within an hour, whichever accounts they are about."""

import hashlib
import re
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils.encoding import punycode

from listings.accounts.models import SentMail

HOUR = timedelta(hours=1)
# Anybody may request links for any address: those must not use up the room of the others.
MOST_LINKS = 5


def count_sent(address: str) -> int:
    """Return how many e-mails the address got within the hour; until the commit nobody else sends it one."""
    with connection.cursor() as cursor:
        # Or two workers would both find room for one more. Another address with the same hash waits, no more.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"mail {mailbox_of(address)}"]
        )
    return SentMail.objects.filter(address=_hash_of(address), created_at__gt=Now() - HOUR).count()


def has_room(address: str, *, most: int | None = None) -> bool:
    """Return whether the address may get another e-mail, `most` or MAX_MAILS_PER_HOUR."""
    return count_sent(address) < (settings.MAX_MAILS_PER_HOUR if most is None else most)


def note_sent(address: str) -> None:
    """Count an e-mail, in the transaction that records it as sent."""
    SentMail.objects.create(address=_hash_of(address))


def _hash_of(address: str) -> str:
    # Only counted, so deleting an account deletes none: that would start the hour of its address anew.
    return hashlib.sha256(mailbox_of(address).encode()).hexdigest()


def mailbox_of(address: str) -> str:
    """Return the address without what mail servers ignore: case, a tag after `+`, quotes, Gmail's dots.

    Its domain is as a mail server gets it: IDNA drops soft hyphens and blanks without a width, any number of
    them, and folds look-alikes.
    """
    local, _, domain = address.lower().rpartition("@")
    with suppress(UnicodeError):  # an address to which no e-mail can be written
        domain = punycode(domain)
    local = re.sub(r'["\\]', "", local).partition("+")[0]
    if domain in ("gmail.com", "googlemail.com"):
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"
