-- Place an order for each purchase whose listing can be had as its buyer has seen it, and send its message; return
-- which were placed.
--
-- `purchases` is a JSON array: columns of listings_order, the offer that the buyer has seen (what is null is not
-- compared), the bounds of listings/buying/open_orders.py, and the message's id. One is left out, too, where its
-- idempotency key has an order.
CREATE OR REPLACE FUNCTION place_orders(purchases jsonb, contract_name text, longest_wait text)
RETURNS boolean[] LANGUAGE plpgsql
-- Left to itself PostgreSQL plans the count of open orders anew for each purchase, which took a third of the time.
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    placed boolean[] := array_fill(false, ARRAY[jsonb_array_length(purchases)]);
    messages jsonb[] := '{}';
    wanted record;
    listing listings_listing;
    created listings_order;
BEGIN
    -- A listing that somebody keeps locked fails the call after this time: its other orders must not wait for it.
    PERFORM set_config('lock_timeout', longest_wait, true);
    -- Rows are locked in the order of the listings' ids, so that two calls cannot wait for each other.
    FOR wanted IN
        SELECT * FROM ROWS FROM (jsonb_to_recordset(purchases) AS (
            id uuid, event_id uuid, buyer_id integer, listing_id bigint, checkout_id uuid, quantity integer, trace text,
            idempotency_key text, request_hash text, seen_price_cents bigint, seen_currency text, seen_editions integer[],
            fee_version text,
            most_pieces integer, most_open integer, most_open_of_listing integer
        )) WITH ORDINALITY
        ORDER BY listing_id, ordinality
    LOOP
        -- The conditions of ensure_can_buy, ensure_as_seen and ensure_room. A purchase that waited for this row's lock
        -- finds what the one before it has left. The open orders are few rows of an index of their own: those of the
        -- last second, or of an outage; two calls at the same moment may both find room for one more.
        UPDATE listings_listing SET available = available - wanted.quantity
        WHERE id = wanted.listing_id AND status = 'on_sale' AND available >= wanted.quantity
            AND seller_id <> wanted.buyer_id AND price_cents <= coalesce(wanted.seen_price_cents, price_cents)
            AND currency = coalesce(wanted.seen_currency, currency)
            AND edition = ANY (coalesce(wanted.seen_editions, ARRAY[edition]))
            AND NOT EXISTS (SELECT FROM auth_user WHERE id IN (seller_id, wanted.buyer_id) AND NOT is_active)
            AND NOT EXISTS (
                SELECT FROM listings_order
                WHERE buyer_id = wanted.buyer_id AND idempotency_key = wanted.idempotency_key
            )
            AND (wanted.quantity > wanted.most_pieces) IS NOT TRUE
            AND (
                SELECT count(*) >= wanted.most_open
                    OR count(*) FILTER (WHERE listing_id = wanted.listing_id) >= wanted.most_open_of_listing
                FROM listings_order WHERE buyer_id = wanted.buyer_id AND settled_at IS NULL
            ) IS NOT TRUE
        RETURNING * INTO listing;
        CONTINUE WHEN NOT FOUND;
        INSERT INTO listings_order (
            id, buyer_id, listing_id, edition, checkout_id, quantity, unit_price_cents, currency, status, reason, trace,
            fee_version, idempotency_key, request_hash, created_at
        ) VALUES (
            wanted.id, wanted.buyer_id, listing.id, listing.edition, wanted.checkout_id, wanted.quantity,
            listing.price_cents, listing.currency, 'pending', '', wanted.trace, coalesce(wanted.fee_version, ''),
            wanted.idempotency_key, wanted.request_hash, now()
        ) RETURNING * INTO created;
        messages := messages || order_created(created, listing, wanted.event_id);
        placed[wanted.ordinality] := true;
    END LOOP;
    PERFORM outbox_send(contract_name, VARIADIC messages);
    RETURN placed;
END $$;
