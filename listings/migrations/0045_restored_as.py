from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0044_suspend_account'),
    ]

    operations = [
        migrations.AddField(
            model_name='listing',
            name='restored_as',
            field=models.CharField(choices=[('draft', 'Draft'), ('on_sale', 'On sale'), ('withdrawn', 'Withdrawn')], db_default='withdrawn', default='withdrawn', editable=False, help_text='Status that it has again when staff restore it.', max_length=10),
        ),
    ]
