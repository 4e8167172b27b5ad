"""Triggers that keep what was sold; the first pictures of present listings, in steps."""

from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql

LISTINGS = Path(__file__).parents[1]
STEP = 1_000
FILL = """
UPDATE listings_listing SET picture_id = first.id
FROM (SELECT listing_id, min(id) AS id FROM listings_listingimage WHERE listing_id > %s AND listing_id <= %s
      GROUP BY listing_id) AS first
WHERE listings_listing.id = first.listing_id AND picture_id IS DISTINCT FROM first.id
"""


def fill_pictures(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM listings_listing")
        (last,) = cursor.fetchone()
        for start in range(0, last, STEP):
            cursor.execute(FILL, [start, start + STEP])


class Migration(migrations.Migration):
    # Each step commits, so that it locks few rows and may be broken off: run again, it goes on. The pictures are
    # filled in before their trigger gives each change an edition, and after the one that fills in new pictures.
    atomic = False
    dependencies = (("listings", "0019_sold_editions"),)
    operations = (
        load_sql(LISTINGS / "catalogue/sql/first_picture.sql"),
        load_sql(LISTINGS / "buying/sql/place_orders.sql"),
        migrations.RunPython(fill_pictures, migrations.RunPython.noop),
        load_sql(LISTINGS / "catalogue/sql/next_edition.sql"),
    )
