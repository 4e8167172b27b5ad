"""Recording what staff do."""

import structlog

from microstore.staff.models import StaffAction

log = structlog.get_logger(__name__)


class ReasonMissing(Exception):
    """Say why: whoever looks at this in a month will ask."""

    def __str__(self) -> str:
        return self.__doc__ or ""


def record(action: str, *, by: str, target: str = "", reason: str = "", address: str | None = None) -> None:
    """Leave a record, in the transaction of what it tells of."""
    StaffAction.objects.create(
        action=action, by=by[:150], target=target[:200], reason=reason[:500], address=address
    )
    log.info("staff_action", action=action, by=by, target=target, reason=reason)


def read_reason(text: str | None) -> str:
    """The reason that was given; raises ReasonMissing where it is none."""
    reason = (text or "").strip()
    if not reason:
        raise ReasonMissing
    return reason[:500]
