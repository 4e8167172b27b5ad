"""Storing notifications, each with its e-mail where one is wanted: a batch by one statement."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from listings.accounts.addresses import verified_users
from listings.notifications.models import Notification
from microstore.database.bulk_insert import as_json

# A second delivery of the same facts conflicts with its own rows and inserts nothing.
STORE = """
WITH stored AS (
    INSERT INTO listings_notification (recipient_id, event_id, kind, role, order_id, text)
    SELECT recipient_id, event_id, kind, role, order_id, text
    FROM json_populate_recordset(NULL::listings_notification, %s)
    ON CONFLICT DO NOTHING RETURNING id, recipient_id
), email AS (
    INSERT INTO listings_email (notification_id, error)
    SELECT id, '' FROM stored WHERE recipient_id IN ({wanting})
    RETURNING notification_id
)
SELECT recipient_id, notification_id FROM stored LEFT JOIN email ON notification_id = id
"""


class NewRow(NamedTuple):
    """A row to insert into the table of notifications."""

    recipient_id: int
    event_id: UUID
    kind: str
    role: str
    order_id: UUID
    text: str


class Stored(NamedTuple):
    """Recipients of notifications that are stored, and those of their ids whose e-mails may be unsent."""

    recipients: set[int]
    unsent: list[int]


def store_notifications(rows: Sequence[NewRow]) -> Stored:
    """Store the notifications, each with an e-mail where wanted.

    Those that an earlier delivery has stored are returned as well: it may have died before their e-mails.
    """
    sql, params = _store_sql()
    with connection.cursor() as cursor:
        cursor.execute(sql, [as_json(rows), *params])
        new = cursor.fetchall()
    recipients = {recipient for recipient, _ in new}
    unsent = [notification_id for _, notification_id in new if notification_id]
    if len(new) < len(rows):
        stored = Notification.objects.filter(event_id__in={row.event_id for row in rows})
        ids = dict(stored.values_list("id", "recipient_id"))
        recipients, unsent = set(ids.values()), list(ids)
    return Stored(recipients, unsent)


@cache  # to compile it takes longer than to run it
def _store_sql() -> tuple[str, tuple[Any, ...]]:
    wanting = verified_users().filter(profile__email_notifications=True).values("id")
    sql, params = wanting.query.sql_with_params()
    return STORE.format(wanting=sql), params
