"""Purchases that come at the same moment are one call of the database, and one commit."""

from django.db import migrations

# Nobody is waited for in company: who wants a listing that another session has locked is told nothing (NULL), and asks
# alone. So one slow session holds up no other buyers, and two calls cannot lock listings against each other.
CREATE = """
CREATE FUNCTION place_orders(
    placed jsonb[], keys text[], hashes text[], contract_name text
) RETURNS boolean[] LANGUAGE plpgsql AS $$
DECLARE
    outcomes boolean[] := array_fill(NULL::boolean, ARRAY[cardinality(placed)]);
BEGIN
    FOR place IN 1 .. cardinality(placed) LOOP
        PERFORM FROM listings_listing WHERE id = (placed[place]->>'listing_id')::bigint
        FOR NO KEY UPDATE SKIP LOCKED;
        IF FOUND THEN
            outcomes[place] := place_order(placed[place], keys[place], hashes[place], contract_name);
        END IF;
    END LOOP;
    RETURN outcomes;
END $$
"""
DROP = "DROP FUNCTION place_orders(jsonb[], text[], text[], text)"


def create(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Other databases have no functions."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE)


def drop(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Back to the release before, which places one order at a time."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = (("listings", "0014_staff_see_notifications"),)
    operations = (migrations.RunPython(create, drop),)
