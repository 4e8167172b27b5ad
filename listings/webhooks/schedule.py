"""Waiting between attempts: of one delivery, and of an endpoint that fails again and again."""

import random
from datetime import datetime, timedelta

from django.conf import settings

BREAKER_FAILURES = 5  # in a row; from then on the endpoint is left alone for a while
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
MOST_DOUBLINGS = 10
LONGEST_RETRY_AFTER = timedelta(days=1)
GONE = 410  # RFC 9110: likely to be permanent
FEWEST_FAILURES = 10  # before an endpoint is switched off, however long they took


def next_delay(attempts: int) -> timedelta | None:
    """Return the wait before the next attempt after so many have failed; None after the last one."""
    delays: list[float] = settings.WEBHOOK_RETRY_SECONDS
    if attempts > len(delays):
        return None
    # Spread, so that what failed together does not come back together.
    return timedelta(seconds=delays[attempts - 1] * random.uniform(0.9, 1.1))  # noqa: S311


def pause_after(failures: int) -> timedelta | None:
    """Return how long an endpoint is left alone after so many failures in a row; None after a few."""
    if failures < BREAKER_FAILURES:
        return None
    return min(SHORTEST_PAUSE * 2.0 ** min(failures - BREAKER_FAILURES, MOST_DOUBLINGS), LONGEST_PAUSE)


def reason_to_switch_off(
    status_code: int | None, failures: int, failing_since: datetime, now: datetime
) -> str:
    """Return why no more is sent to an endpoint that has just failed; "" where it goes on."""
    if status_code == GONE:
        return "It answered 410 Gone."
    days = settings.WEBHOOK_OFF_AFTER_DAYS
    if failures >= FEWEST_FAILURES and now - failing_since >= timedelta(days=days):
        return f"It has accepted nothing for {days} days."
    return ""
