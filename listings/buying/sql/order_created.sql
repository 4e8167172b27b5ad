-- Return the message `order_created` of an order, for a new order and for one that is sent again. Its keys are the
-- fields of OrderCreated in microstore/contracts/transactions.py, and a test compares them.
CREATE OR REPLACE FUNCTION order_created(placed listings_order, listing listings_listing, event_id uuid)
RETURNS jsonb STABLE LANGUAGE plpgsql AS $$
BEGIN
    -- An order that is sent again may be of a past edition; one of a release that kept none has the present text.
    IF placed.edition <> listing.edition THEN
        SELECT past.title, past.description, past.category, past.picture_id
        INTO listing.title, listing.description, listing.category, listing.picture_id
        FROM listings_listingedition past
        WHERE (past.listing_id, past.edition) = (placed.listing_id, placed.edition);
    END IF;
    RETURN jsonb_build_object(
        'event_id', event_id,
        'occurred_at', now(),
        'trace', placed.trace,
        'order_id', placed.id,
        'listing_id', placed.listing_id,
        'buyer_id', placed.buyer_id,
        'seller_id', listing.seller_id,
        'quantity', placed.quantity,
        'unit_price_cents', placed.unit_price_cents,
        'currency', placed.currency,
        'fee_version', placed.fee_version,
        'category', listing.category,
        'title', listing.title,
        'description', listing.description,
        'picture', coalesce('/pictures/' || listing.picture_id || '/large.jpg', '')
    );
END $$;
