"""Purchases and checkouts are placed by one function, at the edition of the listing that was read."""

from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql

LISTINGS = Path(__file__).parents[1]

# Called by no release since 0011. The functions of 0010, 0011 and 0015 are called by the release before this one,
# whose processes run beside this one's while it is deployed; the next release drops them.
DROP = "DROP FUNCTION place_order(uuid, integer, bigint, integer, bigint, text, text, text, text, text, jsonb)"


class Migration(migrations.Migration):
    dependencies = (("listings", "0015_place_orders"),)
    operations = (
        load_sql(LISTINGS / "buying/sql/place_orders.sql"),
        migrations.RunSQL(DROP, migrations.RunSQL.noop),
    )
