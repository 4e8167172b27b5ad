-- Store a decision about each order that has none, and post the sales, in one statement of the caller; return the orders
-- decided now. The columns are those of `Decided`.
CREATE OR REPLACE FUNCTION store_transactions(decisions json, hold_days integer) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
    new_ids uuid[];
    new_orders uuid[];
BEGIN
    -- A second delivery of the same messages conflicts with its own rows and inserts nothing.
    WITH new AS (
        INSERT INTO transactions_transaction (
            id, order_id, listing_id, buyer_id, seller_id, quantity, price_cents, currency, title, description,
            category, picture, status, fee_cents, total_cents, commission_cents, fee_rule, fee_breakdown, reason,
            trace, created_at
        )
        SELECT
            id, order_id, listing_id, buyer_id, seller_id, quantity, price_cents, currency, title, description,
            category, picture, status, fee_cents, total_cents, coalesce(commission_cents, 0), fee_rule, fee_breakdown,
            reason, trace, now() -- workers of an earlier release name no commission, and their own time
        FROM json_populate_recordset(NULL::transactions_transaction, decisions)
        ON CONFLICT DO NOTHING RETURNING id, order_id
    )
    SELECT array_agg(id), array_agg(order_id) INTO new_ids, new_orders FROM new;
    -- A statement of its own, since it reads the rows that the one above has inserted.
    PERFORM post_sales(new_ids, hold_days);
    RETURN QUERY SELECT unnest(new_orders);
END $$;
