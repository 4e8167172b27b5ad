"""Claims of due deliveries: leases, since a call of an endpoint may take 15 s and holds no lock meanwhile."""

from django.db import connection

from listings.webhooks.models import webhook_id
from listings.webhooks.post import Claimed

LEASE_SECONDS = 60.0  # an attempt takes 15 at most, and may wait for a moment before it is recorded
MOST_OF_ONE_ENDPOINT = 4  # calls at the same time

# An endpoint is locked by one sender at a time, so that two of them together keep to the most of one.
# Endpoints come in a random order: none waits for ever behind others, however many of those there are.
CLAIM = """
WITH ready AS MATERIALIZED (
    SELECT endpoint.id, endpoint.failures
    FROM listings_webhookendpoint endpoint
    WHERE endpoint.enabled
        AND (endpoint.paused_until IS NULL OR endpoint.paused_until <= statement_timestamp())
        AND EXISTS (SELECT FROM auth_user owner WHERE owner.id = endpoint.owner_id AND owner.is_active)
        AND EXISTS (
            SELECT FROM listings_webhookdelivery due
            WHERE due.endpoint_id = endpoint.id
                AND due.status IN ('waiting', 'sending') AND due.due_at <= statement_timestamp()
        )
    ORDER BY random()
    LIMIT %(room)s
    FOR NO KEY UPDATE OF endpoint SKIP LOCKED
), chosen AS (
    SELECT due.id
    FROM ready CROSS JOIN LATERAL (
        SELECT delivery.id
        FROM listings_webhookdelivery delivery
        WHERE delivery.endpoint_id = ready.id
            AND delivery.status IN ('waiting', 'sending') AND delivery.due_at <= statement_timestamp()
        ORDER BY delivery.due_at
        -- One that fails is tried with one delivery at a time.
        LIMIT greatest(0, CASE WHEN ready.failures > 0 THEN 1 ELSE %(most_of_one)s END - (
            SELECT count(*) FROM listings_webhookdelivery sending
            WHERE sending.endpoint_id = ready.id
                AND sending.status = 'sending' AND sending.due_at > statement_timestamp()
        ))
    ) due
    LIMIT %(room)s
)
UPDATE listings_webhookdelivery delivery
SET status = 'sending', attempts = delivery.attempts + 1,
    due_at = statement_timestamp() + %(lease_seconds)s * interval '1 second'
FROM chosen, listings_webhookendpoint endpoint
WHERE delivery.id = chosen.id AND endpoint.id = delivery.endpoint_id
    -- Again: another sender may have claimed it since this statement began.
    AND delivery.status IN ('waiting', 'sending') AND delivery.due_at <= statement_timestamp()
RETURNING delivery.id, delivery.attempts, endpoint.id, endpoint.url, endpoint.secret,
    CASE WHEN endpoint.previous_secret_until > statement_timestamp()
        THEN endpoint.previous_secret ELSE '' END,
    delivery.event_id, delivery.body
"""


def claim(room: int) -> list[Claimed]:
    """Claim so many due deliveries at most, and return them."""
    values = {"room": room, "most_of_one": MOST_OF_ONE_ENDPOINT, "lease_seconds": LEASE_SECONDS}
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        rows = cursor.fetchall()
    return [
        Claimed(number, attempt, endpoint, url, secret, previous, webhook_id(endpoint, event_id), body)
        for number, attempt, endpoint, url, secret, previous, event_id, body in rows
    ]
