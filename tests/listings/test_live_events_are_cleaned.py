"""Live events that nobody asks for any more are deleted."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from listings.models import LiveEvent
from listings.settling import reconcile
from listings.settling.reconcile import clean_live_events
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db


def make_event(*, days_ago: float) -> int:
    """A live event of then; its seq."""
    order_id = UUID(int=LiveEvent.objects.count() + 1)
    event = LiveEvent.objects.create(type="item_sold", order_id=order_id, listing_id=1, payload={})
    LiveEvent.objects.filter(pk=event.pk).update(created_at=timezone.now() - timedelta(days=days_ago))
    return event.seq


def test_live_events_are_deleted_a_week_later_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "CHUNK_ROWS", 2)
    for days_ago in (9, 8, 8, 7.5, 7.1):
        make_event(days_ago=days_ago)
    kept = [make_event(days_ago=days_ago) for days_ago in (6.9, 1, 0)]
    assert list(clean_live_events(timedelta(days=7))) == [2, 2, 1]
    assert list(LiveEvent.objects.order_by("seq").values_list("seq", flat=True)) == kept


@pytest.mark.django_db(transaction=True)
def test_many_at_once_delete_each_event_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "CHUNK_ROWS", 5)
    for _ in range(60):
        make_event(days_ago=8)
    assert sum(run_at_once(6, lambda _: sum(clean_live_events(timedelta(days=7))))) == 60
