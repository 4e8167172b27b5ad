from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models
from django.db.models import ExpressionWrapper, F

from django.contrib.postgres.operations import AddIndexConcurrently


class Migration(migrations.Migration):
    # Built beside the work that goes on; where it is broken off, drop the invalid index and migrate again.
    atomic = False

    dependencies = [
        ('listings', '0006_listing_edition'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='listing',
            index=models.Index(ExpressionWrapper(F('price_cents') * 2**33 + F('id'), models.BigIntegerField()), name='listing_price'),
        ),
        AddIndexConcurrently(
            model_name='listing',
            index=GinIndex(SearchVector('title', 'description', config='english'), name='listing_words'),
        ),
    ]
