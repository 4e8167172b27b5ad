"""Purchases that come at the same moment are one call of the database, and one commit."""

from django.db import migrations


# Listings in the order of their ids, so that two calls cannot wait for each other. One that somebody keeps locked is
# not waited for in company: the call ends with an error, which undoes it, and each of them goes alone.
CREATE = """
CREATE FUNCTION place_orders(
    placed jsonb[], keys text[], hashes text[], contract_name text
) RETURNS boolean[] LANGUAGE plpgsql SET lock_timeout = '100ms' AS $$
DECLARE
    outcomes boolean[] := array_fill(false, ARRAY[cardinality(placed)]);
    place integer;
BEGIN
    FOR place IN
        SELECT n FROM unnest(placed) WITH ORDINALITY AS each (message, n)
        ORDER BY (message->>'listing_id')::bigint, n
    LOOP
        outcomes[place] := place_order(placed[place], keys[place], hashes[place], contract_name);
    END LOOP;
    RETURN outcomes;
END $$
"""
DROP = "DROP FUNCTION place_orders(jsonb[], text[], text[], text)"


class Migration(migrations.Migration):
    dependencies = (("listings", "0014_staff_see_notifications"),)
    operations = (migrations.RunSQL(CREATE, DROP),)
