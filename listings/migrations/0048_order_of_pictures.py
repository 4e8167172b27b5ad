from pathlib import Path

from django.db import migrations, models

from microstore.database.migration_operations import load_sql

SQL = Path(__file__).parents[1] / 'catalogue/sql'


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0047_search_marks'),
    ]

    operations = [
        migrations.AddField(
            model_name='listingimage',
            name='position',
            field=models.PositiveSmallIntegerField(db_default=32767, default=32767, editable=False, help_text="In its seller's order."),
        ),
        migrations.AlterModelOptions(
            name='listingimage',
            options={'ordering': ('position', 'id')},
        ),
        load_sql(SQL / 'first_picture.sql'),
        load_sql(SQL / 'first_position.sql'),
    ]
