"""Records of actions that staff take."""

import structlog

from microstore.staff.models import StaffAction

log = structlog.get_logger(__name__)


class ReasonMissing(Exception):
    """Give a reason: it is kept with the record of this action."""

    def __str__(self) -> str:
        return self.__doc__ or ""


def record(action: str, *, by: str, target: str = "", reason: str = "", address: str | None = None) -> None:
    """Insert a StaffAction, in the caller's transaction; texts are cut to the length of their columns."""
    StaffAction.objects.create(
        action=action, by=by[:150], target=target[:200], reason=reason[:500], address=address
    )
    # Also where the transaction is rolled back afterwards: the attempt is worth a line.
    log.info("staff_action", action=action, by=by, target=target, reason=reason)


def read_reason(text: str | None) -> str:
    """Return the reason as one line of 500 characters at most; raises ReasonMissing where it is blank."""
    # PostgreSQL takes no NUL, and a refund's reason is for its buyer to read.
    reason = "".join(each if each.isprintable() else " " for each in text or "").strip()
    if not reason:
        raise ReasonMissing
    return reason[:500]
