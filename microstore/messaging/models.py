"""Tables of messages that wait for the relay or for a decision."""

from django.db import models
from django.db.models.functions import Now


class OutboxMessage(models.Model):
    """A message, committed with the change that it announces. The relay publishes it and deletes the row."""

    contract = models.CharField(max_length=100, help_text="Name of the contract.")
    payload = models.JSONField(help_text="The message, valid by its contract.")
    created_at = models.DateTimeField(
        db_default=Now(), help_text="When it was committed: its age is the relay's delay."
    )
    due_at = models.DateTimeField(
        db_default=Now(), help_text="Not published before; moved on when the broker refuses."
    )
    attempts = models.PositiveIntegerField(db_default=0, help_text="How often the broker refused it.")

    class Meta:
        verbose_name = "outbox message"
        indexes = [models.Index(fields=["due_at", "id"], name="outbox_due")]

    def __str__(self) -> str:
        return f"{self.contract} {self.pk}"


class DeadLetter(models.Model):
    """A message that could not be handled; it is kept until somebody replays or discards it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        REPLAYED = "replayed"
        DISCARDED = "discarded"

    fingerprint = models.CharField(max_length=64, unique=True, help_text="Tells a letter that died before.")
    contract = models.CharField(
        max_length=100, blank=True, help_text="Name of the contract or task, where known."
    )
    payload = models.JSONField(null=True, blank=True, help_text="The message, where it could be read.")
    raw_body = models.BinaryField(
        null=True, blank=True, help_text="The broker's message, where that is all there is."
    )
    headers = models.JSONField(default=dict, blank=True, help_text="The broker's headers and properties.")
    error = models.TextField(help_text="Why it could not be handled.")
    cause = models.CharField(
        max_length=200,
        blank=True,
        db_default="",
        help_text="The error without what differs from letter to letter.",
    )
    traceback = models.TextField(blank=True, help_text="Where it failed.")
    attempts = models.PositiveIntegerField(default=0, help_text="How often it was tried.")
    trace = models.CharField(max_length=55, blank=True, help_text="The traceparent of the purchase.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(auto_now_add=True, help_text="When it first died.")
    died_at = models.DateTimeField(auto_now=True, help_text="When it last died.")
    decided_at = models.DateTimeField(null=True, blank=True, help_text="When it was replayed or discarded.")
    decided_by = models.CharField(max_length=150, blank=True, help_text="Who replayed or discarded it.")

    class Meta:
        verbose_name = "dead letter"
        permissions = (("decide_deadletter", "Can replay and discard dead letters"),)
        indexes = [
            models.Index(fields=["state", "-id"], name="dead_letter_state"),
            models.Index(fields=["contract", "-id"], name="dead_letter_contract"),
            models.Index(
                fields=["contract", "cause", "id"],
                name="dead_letter_group",
                condition=models.Q(state="waiting"),
            ),
            models.Index(fields=["trace"], name="dead_letter_trace", opclasses=["varchar_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.contract or 'unreadable message'}: {self.error[:80]}"


class QueueDepth(models.Model):
    """Depth of a queue when a relay last looked: the admin shows it without a broker."""

    queue = models.CharField(primary_key=True, max_length=100)
    messages = models.PositiveIntegerField(help_text="Ready to be taken.")
    consumers = models.PositiveIntegerField(help_text="How many take from it.")
    measured_at = models.DateTimeField(help_text="When a relay looked; long ago means that no relay runs.")

    class Meta:
        verbose_name = "queue depth"

    def __str__(self) -> str:
        return f"{self.queue}: {self.messages}"
