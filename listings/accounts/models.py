"""Tables of accounts beside Django's users."""

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7


class Profile(models.Model):
    """Settings of a user; without a row the defaults apply."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True)
    email_notifications = models.BooleanField(default=True, help_text="Whether e-mail is wanted.")

    def __str__(self) -> str:
        return f"Profile of {self.user_id}"


class Client(models.Model):
    """Base of rows with the place that a request came from."""

    address = models.GenericIPAddressField(null=True, help_text="Of the browser or program.")
    device = models.CharField(max_length=200, db_default="", help_text="Its User-Agent, which may lie.")

    class Meta:
        abstract = True


class Session(Client):
    """A session of the API from log-in to log-out. Deleting the row ends it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sessions")
    jti = models.CharField(max_length=32, help_text="Id of the one refresh token that is good.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(help_text="When that token expires.")

    def __str__(self) -> str:
        return f"Session of {self.user_id}"


class BrowserSession(Client, AbstractBaseSession):
    """A session of the pages, with its owner in a column to be listed by. Deleting the row ends it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="browser_sessions"
    )
    # The key is the cookie, which nobody else may see.
    public_id = models.UUIDField(null=True, unique=True, help_text="By which its owner names it.")
    created_at = models.DateTimeField(null=True, help_text="When its owner logged in.")

    def __str__(self) -> str:
        return f"Browser session of {self.user_id}"

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        from listings.accounts.browser_sessions import SessionStore  # noqa: PLC0415  # it imports this module

        return SessionStore


class AccountEvent(Client):
    """Something that happened to an account, for its owner to see; rows are inserted and never changed."""

    class Kind(models.TextChoices):
        LOGGED_IN = "logged_in", "Log-in"
        WRONG_PASSWORD = "wrong_password", "Wrong password"
        PASSWORD_CHANGED = "password_changed", "Password changed"
        ADDRESS_CHANGED = "address_changed", "E-mail address changed"
        SESSIONS_ENDED = "sessions_ended", "Sessions ended"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="account_events", db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["user", "-id"], name="account_event_of_user")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"
