"""Records of actions that staff take."""

import structlog

from microstore.staff.models import StaffAction

log = structlog.get_logger(__name__)


def record(action: str, *, by: str, target: str = "", reason: str = "", address: str | None = None) -> None:
    """Insert a StaffAction, in the caller's transaction; texts are cut to the length of their columns."""
    StaffAction.objects.create(
        action=action, by=by[:150], target=target[:200], reason=reason[:500], address=address
    )
    # Also where the transaction is rolled back afterwards: the attempt is worth a line.
    log.info("staff_action", action=action, by=by, target=target, reason=reason)
