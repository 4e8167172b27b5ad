-- Place each order whose listing still is as it was read, and send its message; return which were placed.
--
-- `orders` is a JSON array: columns of listings_order, the listing's edition, and the message. An order is left
-- out where the listing has another edition or too little stock, or where the idempotency key has an order.
CREATE OR REPLACE FUNCTION place_orders(orders jsonb, contract_name text, longest_wait text)
RETURNS boolean[] LANGUAGE plpgsql AS $$
DECLARE
    placed boolean[] := array_fill(false, ARRAY[jsonb_array_length(orders)]);
    wanted record;
BEGIN
    -- A listing that somebody keeps locked fails the call after this time: its other orders must not wait for it.
    PERFORM set_config('lock_timeout', longest_wait, true);
    -- Rows are locked in the order of the listings' ids, so that two calls cannot wait for each other.
    FOR wanted IN
        SELECT * FROM ROWS FROM (jsonb_to_recordset(orders) AS (
            id uuid, buyer_id integer, listing_id bigint, checkout_id uuid, quantity integer, edition integer,
            unit_price_cents bigint, currency text, trace text, idempotency_key text, request_hash text, message jsonb
        )) WITH ORDINALITY
        ORDER BY listing_id, ordinality
    LOOP
        CONTINUE WHEN wanted.idempotency_key IS NOT NULL AND EXISTS (
            SELECT FROM listings_order
            WHERE buyer_id = wanted.buyer_id AND idempotency_key = wanted.idempotency_key
        );
        -- A purchase that waited for this row's lock finds what the one before it has left.
        UPDATE listings_listing SET available = available - wanted.quantity
        WHERE id = wanted.listing_id AND edition = wanted.edition AND status = 'on_sale'
            AND available >= wanted.quantity AND seller_id <> wanted.buyer_id;
        CONTINUE WHEN NOT FOUND;
        INSERT INTO listings_order (
            id, buyer_id, listing_id, edition, checkout_id, quantity, unit_price_cents, currency, status, reason,
            trace, idempotency_key, request_hash, created_at
        ) VALUES (
            wanted.id, wanted.buyer_id, wanted.listing_id, wanted.edition, wanted.checkout_id, wanted.quantity,
            wanted.unit_price_cents, wanted.currency, 'pending', '', wanted.trace, wanted.idempotency_key,
            wanted.request_hash, now()
        );
        PERFORM outbox_send(contract_name, wanted.message);
        placed[wanted.ordinality] := true;
    END LOOP;
    RETURN placed;
END $$;
