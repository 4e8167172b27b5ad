from django.db import migrations, models


class Migration(migrations.Migration):
    # With defaults of the database: a worker of the release before inserts rows without these columns.

    dependencies = [
        ('transactions', '0006_voided_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='transaction',
            name='title',
            field=models.CharField(blank=True, db_default='', help_text="The listing's title, as sold.", max_length=200),
        ),
        migrations.AddField(
            model_name='transaction',
            name='description',
            field=models.TextField(blank=True, db_default='', help_text="The listing's description, as sold.", max_length=10000),
        ),
        migrations.AddField(
            model_name='transaction',
            name='category',
            field=models.CharField(blank=True, db_default='', help_text='The category by which the fee was set.', max_length=50),
        ),
        migrations.AddField(
            model_name='transaction',
            name='picture',
            field=models.CharField(blank=True, db_default='', help_text="Address of the listing's first picture, as sold.", max_length=500),
        ),
    ]
