"""A purchase is one call of the database; and no index that another one covers."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


# PostgreSQL keeps the plans of a function's statements for the session, also behind PgBouncer.
CREATE = """
CREATE FUNCTION place_order(
    order_id uuid, buyer integer, listing bigint, wanted integer, price bigint, price_currency text,
    traceparent text, key text, hash text, contract_name text, message jsonb
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE listings_listing SET available = available - wanted
    WHERE id = listing AND status = 'on_sale' AND available >= wanted
        AND price_cents = price AND currency = price_currency AND seller_id <> buyer;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO listings_order (
        id, buyer_id, listing_id, quantity, unit_price_cents, currency, status, reason, trace,
        idempotency_key, request_hash, created_at
    ) VALUES (
        order_id, buyer, listing, wanted, price, price_currency, 'pending', '', traceparent, key, hash, now()
    );
    PERFORM outbox_send(contract_name, message);
    RETURN true;
END $$
"""
DROP = "DROP FUNCTION place_order(uuid, integer, bigint, integer, bigint, text, text, text, text, text, jsonb)"


class Migration(migrations.Migration):
    dependencies = (("listings", "0002_order_resent_at"), ("messaging", "0002_outbox_send"))
    operations = (
        migrations.AlterField(
            "order",
            "buyer",
            models.ForeignKey(
                settings.AUTH_USER_MODEL, django.db.models.deletion.PROTECT, related_name="orders", db_index=False
            ),
        ),
        migrations.AlterField(
            "order", "checkout_id", models.UUIDField(null=True, blank=True, help_text="Orders made together.")
        ),
        migrations.RunSQL(CREATE, DROP),
    )
