"""Queries of live events: where a client resumes, which events a process has missed."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models.functions import Now

from listings.models import LiveEvent

# How far back an event may still become visible: as many seqs, and as long after its insert.
OVERLAP_EVENTS = 1_000
OVERLAP_SECONDS = 10
RECENT_EVENTS = 1_000
LOOKED_AT_ONCE = 10_000


def resume_point(seq: int) -> int:
    """Return the seq after which to read for a client that has the events up to `seq`."""
    # A seq is drawn at the insert and visible at the commit, so an event that becomes visible now may have a
    # lower seq than one that the client has. Events of the last seconds are therefore read again, and clients
    # drop those that they have by the seq.
    just_now = Now() - timedelta(seconds=OVERLAP_SECONDS)
    late = LiveEvent.objects.filter(seq__gt=seq - OVERLAP_EVENTS, seq__lte=seq, created_at__gte=just_now)
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
