"""The table of the live feed."""

from django.db import models
from django.db.models.functions import Now


class LiveEvent(models.Model):
    """Events of the live feed, in order of `seq`: a client resumes after the last one it has received."""

    seq = models.BigAutoField(primary_key=True)
    type = models.CharField(max_length=30)
    order_id = models.UUIDField()
    part = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="Number of the refund.")
    listing_id = models.BigIntegerField()
    payload = models.JSONField(help_text="The event but for its seq.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        # An order is settled once, under its lock; this holds even where code forgets the lock.
        constraints = [
            models.UniqueConstraint(fields=["order_id", "type", "part"], name="live_event_once_per_order")
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.seq}"
