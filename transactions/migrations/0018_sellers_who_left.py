from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("transactions", "0017_sales_have_the_databases_time")]

    operations = [
        migrations.AddField(
            model_name="bankaccount",
            name="seller_left",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="The rest is paid to it, however little that is.",
            ),
        ),
    ]
