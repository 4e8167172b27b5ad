"""Tables of accounts beside Django's users."""

from django.conf import settings
from django.db import models
from uuid_utils.compat import uuid7


class Profile(models.Model):
    """Settings of a user; without a row the defaults apply."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True)
    email_notifications = models.BooleanField(default=True, help_text="Whether e-mail is wanted.")

    def __str__(self) -> str:
        return f"Profile of {self.user_id}"


class Session(models.Model):
    """A session from log-in to log-out. Deleting the row ends it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sessions")
    jti = models.CharField(max_length=32, help_text="Id of the one refresh token that is good.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(help_text="When that token expires.")

    def __str__(self) -> str:
        return f"Session of {self.user_id}"
