"""A checkout is one call of the database, as a purchase is."""

from django.db import migrations


# The locks come first, in the order of the listings' ids; what is locked cannot change until the commit.
CREATE = """
CREATE FUNCTION place_checkout(
    buyer integer, checkout uuid, traceparent text, contract_name text, wanted jsonb
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM listings_listing
    WHERE id IN (SELECT listing FROM jsonb_to_recordset(wanted) AS item (listing bigint))
    ORDER BY id FOR NO KEY UPDATE;

    IF EXISTS (
        SELECT FROM jsonb_to_recordset(wanted)
            AS item (listing bigint, quantity integer, price bigint, currency text)
        LEFT JOIN listings_listing found ON found.id = item.listing AND found.status = 'on_sale'
            AND found.available >= item.quantity AND found.price_cents = item.price
            AND found.currency = item.currency AND found.seller_id <> buyer
        WHERE found.id IS NULL
    ) THEN
        RETURN false;
    END IF;

    UPDATE listings_listing SET available = available - item.quantity
    FROM jsonb_to_recordset(wanted) AS item (listing bigint, quantity integer)
    WHERE listings_listing.id = item.listing;

    INSERT INTO listings_order (
        id, buyer_id, listing_id, checkout_id, quantity, unit_price_cents, currency, status, reason, trace,
        idempotency_key, request_hash, created_at
    ) SELECT id, buyer, listing, checkout, quantity, price, currency, 'pending', '', traceparent, key, hash, now()
    FROM jsonb_to_recordset(wanted) AS item (
        id uuid, listing bigint, quantity integer, price bigint, currency text, key text, hash text
    );

    PERFORM outbox_send(contract_name, message) FROM jsonb_to_recordset(wanted) AS item (message jsonb);
    RETURN true;
END $$
"""
DROP = "DROP FUNCTION place_checkout(integer, uuid, text, text, jsonb)"


class Migration(migrations.Migration):
    dependencies = (("listings", "0009_order_indexes"), ("messaging", "0002_outbox_send"))
    operations = (migrations.RunSQL(CREATE, DROP),)
