from django.db import migrations, models


class Migration(migrations.Migration):
    # The default is the database's own: no row is rewritten, and processes of the version before go on inserting.

    dependencies = [
        ('listings', '0005_listing_image'),
    ]

    operations = [
        migrations.AddField(
            model_name='listing',
            name='edition',
            field=models.PositiveIntegerField(db_default=1, default=1, editable=False, help_text='Grows with each edit; not with purchases.'),
        ),
    ]
