"""A purchase is one call of the database: the listing is read where its stock is reserved."""

from django.db import migrations


# The function of the release before has other parameters, and stays beside it until nobody calls it.
# The currency goes into the message as it is in the table: contracts/contract.py, Currency.
CREATE = """
ALTER TABLE listings_listing ADD CONSTRAINT listing_currency_is_code CHECK (currency ~ '^[A-Z]{3}$');
CREATE FUNCTION place_order(placed jsonb, key text, hash text, contract_name text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    buyer integer := placed->>'buyer_id';
    wanted integer := placed->>'quantity';
    listing record;
BEGIN
    IF key IS NOT NULL AND EXISTS (
        SELECT FROM listings_order WHERE buyer_id = buyer AND idempotency_key = key
    ) THEN
        RETURN false;
    END IF;
    UPDATE listings_listing SET available = available - wanted
    WHERE id = (placed->>'listing_id')::bigint AND status = 'on_sale' AND available >= wanted
        AND seller_id <> buyer
    RETURNING id, seller_id, category, price_cents, currency INTO listing;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO listings_order (
        id, buyer_id, listing_id, quantity, unit_price_cents, currency, status, reason, trace,
        idempotency_key, request_hash, created_at
    ) VALUES (
        (placed->>'order_id')::uuid, buyer, listing.id, wanted, listing.price_cents, listing.currency,
        'pending', '', placed->>'trace', key, hash, now()
    );
    PERFORM outbox_send(contract_name, placed || jsonb_build_object(
        'seller_id', listing.seller_id, 'unit_price_cents', listing.price_cents,
        'currency', listing.currency, 'category', listing.category
    ));
    RETURN true;
END $$
"""
DROP = """
DROP FUNCTION place_order(jsonb, text, text, text);
ALTER TABLE listings_listing DROP CONSTRAINT listing_currency_is_code;
"""


class Migration(migrations.Migration):
    dependencies = (("listings", "0010_place_checkout"),)
    operations = (
        migrations.RunSQL(CREATE, DROP),
    )
