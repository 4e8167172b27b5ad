"""Tables of actions that staff took, and of failed log-ins."""

from django.db import models


class StaffAction(models.Model):
    """Action of a staff member, with its target and reason; rows are inserted and never changed."""

    at = models.DateTimeField(auto_now_add=True)
    by = models.CharField(
        max_length=150,
        help_text="The user, `name (command line)`, or who failed to log in: `user 7`, `(unknown name)`.",
    )
    action = models.CharField(max_length=40, help_text="In the past tense: `replayed`, `withdrew`.")
    target = models.CharField(max_length=200, blank=True, help_text="To which: `dead letter 7`.")
    reason = models.CharField(max_length=500, blank=True, help_text="Why, in the words of who did it.")
    address = models.GenericIPAddressField(null=True, blank=True, help_text="Of the browser; for log-ins.")

    class Meta:
        verbose_name = "staff action"
        permissions = (("view_logs", "Can read log lines"),)
        indexes = [
            models.Index(fields=["action", "-id"], name="staff_action_kind"),
            models.Index(fields=["by", "-id"], name="staff_action_by"),
            models.Index(fields=["target", "-id"], name="staff_action_target"),
            models.Index(fields=["address", "-id"], name="staff_action_address"),
        ]

    def __str__(self) -> str:
        return f"{self.by} {self.action} {self.target}".strip()


class FailedLogin(models.Model):
    """A wrong password, or one that is being checked at this moment."""

    name = models.CharField(max_length=150, help_text="Keyed hash of the name that was typed.")
    network = models.CharField(max_length=45, help_text="IPv4 address, or the /64 of an IPv6 one.")
    site = models.CharField(max_length=45, db_default="", help_text="The same, or the /48 of an IPv6 one.")
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["name", "-id"], name="failed_login_of_name"),
            models.Index(fields=["network", "-id"], name="failed_login_of_network"),
            models.Index(fields=["at"], name="failed_login_at"),
        ]

    def __str__(self) -> str:
        return f"{self.name} from {self.network}"


class KnownNetwork(models.Model):
    """Network from which somebody had the right password, or code, for a name."""

    digest = models.CharField(primary_key=True, max_length=64, help_text="Keyed hash of name and network.")
    at = models.DateTimeField(db_index=True, help_text="The last time.")

    def __str__(self) -> str:
        return self.digest


class RetiredName(models.Model):
    """Hash of the name of a deleted account, which nobody gets again."""

    name_hash = models.CharField(
        primary_key=True, max_length=64, help_text="SHA-256 of the folded name, in hexadecimal."
    )

    def __str__(self) -> str:
        return self.name_hash
