"""Tables of accounts beside Django's users."""

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy
from uuid_utils.compat import uuid7


class Profile(models.Model):
    """Settings of a user; without a row the defaults apply."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True)
    email_notifications = models.BooleanField(default=True, help_text="Whether e-mail is wanted.")
    # Compared with the user's address: whoever changes that, in whatever way, has to verify it again.
    verified_email = models.EmailField(
        db_default="", blank=True, help_text="Address that its owner verified."
    )
    language = models.CharField(
        max_length=10, db_default="", blank=True, help_text="Of e-mails and notifications; empty: English."
    )
    unsubscribe_token = models.UUIDField(
        db_default=RandomUUID(), unique=True, editable=False, help_text="For the link in notifications."
    )

    class Meta:
        permissions = (("suspend_account", "Can suspend and reinstate accounts of shoppers"),)

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
    # Not unique: Django writes the row of a new key before it deletes that of the old one.
    public_id = models.UUIDField(null=True, db_index=True, help_text="By which its owner names it.")
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
        LOGGED_IN = "logged_in", gettext_lazy("Log-in")
        WRONG_PASSWORD = "wrong_password", gettext_lazy("Wrong password")
        PASSWORD_CHANGED = "password_changed", gettext_lazy("Password changed")
        PASSWORD_RESET = "password_reset", gettext_lazy("Password reset by e-mail")
        ADDRESS_CHANGED = "address_changed", gettext_lazy("E-mail address changed")
        ADDRESS_VERIFIED = "address_verified", gettext_lazy("E-mail address verified")
        SESSIONS_ENDED = "sessions_ended", gettext_lazy("Sessions ended")
        EXPORT_REQUESTED = "export_requested", gettext_lazy("Archive of your data requested")
        BANK_ACCOUNT_CHANGED = "bank_account_changed", gettext_lazy("Bank account changed")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="account_events", db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["user", "-id"], name="account_event_of_user")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"


class AccountMail(models.Model):
    """An e-mail about an account, and the link in it, which is good once."""

    class Kind(models.TextChoices):
        VERIFY_ADDRESS = "verify_address"
        RESET_PASSWORD = "reset_password"  # noqa: S105  # no password
        ADDRESS_CHANGED = "address_changed"
        PASSWORD_CHANGED = "password_changed"  # noqa: S105  # the same
        BANK_ACCOUNT_CHANGED = "bank_account_changed"
        DIGEST = "digest"
        WEBHOOK_OFF = "webhook_off"

    WRITTEN = ("sent_at", "error", "token_hash", "expires_at")  # by the worker

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # One request to reset a password becomes an e-mail for each account that has the address.
    request_id = models.UUIDField(db_index=True, help_text="The message's `mail_id`.")
    kind = models.CharField(max_length=20, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, help_text="Null until the worker has found it."
    )
    address = models.EmailField()
    token_hash = models.CharField(  # noqa: DJ001  # null is not unique, an empty text would be
        max_length=64, null=True, unique=True, help_text="SHA-256 of the link's token; null once it is used."
    )
    expires_at = models.DateTimeField(null=True, help_text="Of the link.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True, help_text="When the mail server had taken it.")
    error = models.CharField(max_length=500, blank=True, help_text="Why it will not be sent.")

    def __str__(self) -> str:
        return f"{self.kind} for {self.user_id}"


class CustomerNote(models.Model):
    """A note of staff about a user, for other staff to read; rows are inserted and never changed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notes")
    by = models.CharField(max_length=150, help_text="Name of the staff member.")
    text = models.CharField(max_length=1_000)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"Note {self.pk} about {self.user_id}"


class AccountDeletion(models.Model):
    """An account that is being deleted, or is; the row outlives what it has deleted."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, primary_key=True)
    requested_at = models.DateTimeField(db_default=Now(), editable=False)
    scrubbed_at = models.DateTimeField(null=True, help_text="When nothing of the person was left here.")
    sent_at = models.DateTimeField(null=True, help_text="When `account_deleted` was last sent.")
    forgotten_at = models.DateTimeField(null=True, help_text="When the transactions service had replied.")
    closed_at = models.DateTimeField(null=True, help_text="When messages that came late were scrubbed, too.")
    name_hash = models.CharField(
        max_length=64, db_default="", help_text="For the transactions service, until it is closed."
    )
    trace = models.CharField(max_length=55, help_text="W3C traceparent of the request.")

    class Meta:
        indexes = [
            models.Index(
                fields=["requested_at"], name="deletion_open", condition=models.Q(closed_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"Deletion of account {self.user_id}"


class AccountExport(models.Model):
    """An archive of what is stored of an account, for its owner; one at a time."""

    # Columns named `private` are not read by the role of `audit` (microstore/database/sql/rights.sql).
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    trace = models.CharField(max_length=55, help_text="W3C traceparent of the request.")
    requested_at = models.DateTimeField(db_default=Now(), editable=False)
    page = models.PositiveIntegerField(default=0, help_text="The one that is awaited.")
    cursor = models.CharField(max_length=100, blank=True, help_text="Of that page.")
    sent_at = models.DateTimeField(db_default=Now(), help_text="When that page was last requested.")
    private_archive = models.BinaryField(null=True, help_text="The ZIP file.")
    ready_at = models.DateTimeField(null=True, help_text="When it was made.")

    def __str__(self) -> str:
        return f"Archive of account {self.user_id}"


class ExportPage(models.Model):
    """A page of an archive that the transactions service has sent; deleted once the archive is made."""

    export = models.ForeignKey(AccountExport, models.CASCADE, related_name="pages")
    page = models.PositiveIntegerField()
    file = models.CharField(max_length=40)
    private_rows = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["export", "page"], name="export_page_once")]

    def __str__(self) -> str:
        return f"Page {self.page} of {self.export_id}"


class BankAccount(models.Model):
    """A bank account as its seller gave it, until and after the transactions service has it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    # Nothing in this service opens it.
    sealed = models.TextField(max_length=2_000, blank=True, help_text="Empty once it has arrived.")
    masked = models.CharField(max_length=40, help_text="The IBAN as it is shown.")
    trace = models.CharField(max_length=55, help_text="W3C traceparent of the request.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    recorded_at = models.DateTimeField(null=True, help_text="When the transactions service had replied.")
    resent_at = models.DateTimeField(null=True, help_text="When `reconcile` last sent it again.")

    class Meta:
        indexes = [
            models.Index(fields=["user", "-id"], name="bank_account_of_user"),
            models.Index(
                fields=["created_at"], name="bank_account_sent", condition=models.Q(recorded_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.masked} of {self.user_id}"


class SentMail(models.Model):
    """An e-mail that was sent to an address, for the bound of an hour."""

    address = models.EmailField(help_text="SHA-256 of it in lower case: it is only counted by.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["address", "-created_at"], name="sent_mail_to")]

    def __str__(self) -> str:
        return f"E-mail {self.pk}"
