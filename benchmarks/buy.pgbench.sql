-- What a buy writes, in one statement: stock, order, outbox.
\set listing random(1, 10000)
\set buyer random(1000001, 1000050)
WITH sold AS (
    UPDATE listings_listing SET available = available - 1
    WHERE id = :listing AND status = 'on_sale' AND available >= 1 RETURNING id, price_cents, currency
), placed AS (
    INSERT INTO listings_order (id, buyer_id, listing_id, quantity, unit_price_cents, currency, status, reason, trace,
        idempotency_key, request_hash, created_at)
    SELECT gen_random_uuid(), :buyer::integer, id, 1, price_cents, currency, 'pending', '', '', gen_random_uuid()::text, '', now()
    FROM sold RETURNING id, listing_id
)
INSERT INTO messaging_outboxmessage (contract, payload)
SELECT 'floor', jsonb_build_object('order_id', id, 'listing_id', listing_id, 'trace', repeat('0', 55),
    'event_id', gen_random_uuid(), 'occurred_at', now(), 'buyer_id', :buyer::bigint, 'currency', 'EUR') FROM placed;
