"""Queries of live events: where a client resumes, which events a process has missed."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import Subquery
from django.db.models.functions import Least, Now

from listings.models import LiveEvent

# How far before a visible event another one may still become visible: as many seqs, and as many seconds. A
# worker's transaction has 90 seconds, and its commit may wait for a standby that has just died. Meanwhile
# others commit 2,000 a second: with 1,000, a browser that came back while a queue was drained missed sales.
OVERLAP_EVENTS = 3_000
OVERLAP_SECONDS = 120
RECENT_EVENTS = 1_000
LOOKED_AT_ONCE = 10_000


def latest_seq() -> int:
    """Return the seq of the latest event, 0 without events."""
    return LiveEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def resume_point(seq: int) -> int:
    """Return the seq after which to read for a client that has the events up to `seq`."""
    # A seq is drawn at the insert and visible at the commit, so what became visible while the client was away
    # may have lower seqs than what it has. Events that were stored shortly before its last one are therefore
    # read again, however long ago that was, and clients drop those that they have by the seq.
    known = LiveEvent.objects.filter(seq__gt=seq - OVERLAP_EVENTS, seq__lte=seq)
    last = known.order_by("-seq").values("created_at")[:1]
    # By a clock that is ahead the last one may be of the future.
    oldest = Least(Subquery(last), Now()) - timedelta(seconds=OVERLAP_SECONDS)
    late = known.filter(seq__lt=seq, created_at__gte=oldest)
    first = late.order_by("seq").values_list("seq", flat=True).first()
    return seq if first is None else first - 1


def events_after(seq: int, *, limit: int) -> list[LiveEvent]:
    """Return the events after this sequence number, oldest first."""
    return list(LiveEvent.objects.filter(seq__gt=seq).order_by("seq")[:limit])


def recent_seqs() -> list[int]:
    """Return the seqs of the latest events, latest first."""
    return list(LiveEvent.objects.order_by("-seq").values_list("seq", flat=True)[:RECENT_EVENTS])


def seqs_after(seq: int) -> list[int]:
    """Return the seqs of the events after this one, oldest first."""
    later = LiveEvent.objects.filter(seq__gt=seq).order_by("seq")
    return list(later.values_list("seq", flat=True)[:LOOKED_AT_ONCE])


def events_with_seqs(seqs: Sequence[int]) -> list[LiveEvent]:
    """Return the events with these seqs, oldest first."""
    return list(LiveEvent.objects.filter(seq__in=seqs).order_by("seq")) if seqs else []


def events_of_orders(order_ids: Sequence[UUID]) -> list[LiveEvent]:
    """Return the events of these orders, oldest first."""
    return list(LiveEvent.objects.filter(order_id__in=order_ids).order_by("seq"))
