from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0024_similar_titles'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='fee_rule',
            field=models.CharField(blank=True, db_default='', help_text='The rule by which the fee was set, with the version of its schedule; empty until then.', max_length=100),
        ),
    ]
