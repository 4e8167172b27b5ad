"""`manage.py reconcile`, once and for ever."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from listings.models import LiveEvent
from stack.places import ROOT
from stack.waiting import wait_until
from tests.listings.vanished import PlaceOrder, place_order, sent_orders
from tests.support.ports import closed_port

__all__ = ["place_order"]
pytestmark = pytest.mark.django_db


def test_the_command_says_what_it_did(place_order: PlaceOrder) -> None:
    place_order(minutes_ago=3)
    place_order(minutes_ago=1)
    LiveEvent.objects.create(type="item_sold", order_id=uuid4(), listing_id=1, payload={})
    LiveEvent.objects.update(created_at=timezone.now() - timedelta(days=8))
    told = StringIO()
    call_command("reconcile", stdout=told)
    assert (
        told.getvalue() == "Orders sent again: 1. Deleted, old: 1 live events, 0 notifications,"
        " 0 account events, 0 e-mails of accounts, 0 webhooks."
        " E-mails requested: 0 digests, 0 of webhooks switched off.\n"
    )
    call_command("reconcile", "--older-than", "30", stdout=told)
    assert told.getvalue().endswith(
        "Orders sent again: 1. Deleted, old: 0 live events, 0 notifications,"
        " 0 account events, 0 e-mails of accounts, 0 webhooks."
        " E-mails requested: 0 digests, 0 of webhooks switched off.\n"
    )


SCHEDULER = "the scheduler of a test"  # PostgreSQL has other sessions in this database, its own among them


@contextmanager
def scheduler(**environment: str) -> Iterator[subprocess.Popen[str]]:
    """`manage.py reconcile --every …` on the test's own database."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "reconcile", "--every", "0.05"],
        env={**os.environ, "DATABASE_URL": database_url(), "PGAPPNAME": SCHEDULER, **environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def database_url() -> str:
    """Of the database that pytest-django has made."""
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"


def stop(process: subprocess.Popen[str]) -> str:
    """Ask it to end; what it said."""
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    return said


@pytest.mark.django_db(transaction=True)
def test_the_scheduler_goes_on_until_it_is_told_to_stop(place_order: PlaceOrder) -> None:
    first = place_order(minutes_ago=3)
    with scheduler() as process:
        assert wait_until(lambda: sent_orders() == [first.pk], timeout_seconds=30)
        second = place_order(minutes_ago=3)
        assert wait_until(lambda: sent_orders() == [second.pk], timeout_seconds=30)
        assert "rounds stopped" in stop(process)


@pytest.mark.django_db(transaction=True)
def test_the_scheduler_survives_the_loss_of_its_connection(place_order: PlaceOrder) -> None:
    with scheduler() as process:
        assert wait_until(lambda: terminate_schedulers() > 0, timeout_seconds=30)
        order = place_order(minutes_ago=3)
        assert wait_until(lambda: sent_orders() == [order.pk], timeout_seconds=30)
        assert "round_failed" in stop(process)


def terminate_schedulers() -> int:
    """Cut the scheduler's connections to the database; how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = %s",
            [SCHEDULER],
        )
        return int(cursor.fetchone()[0])


def test_the_scheduler_waits_for_a_database_that_is_away() -> None:
    with (
        closed_port() as port,
        scheduler(DATABASE_URL=re.sub(r":[0-9]+/", f":{port}/", database_url())) as process,
    ):
        assert process.stdout is not None
        failures = (line for line in process.stdout if "round_failed" in line)
        assert next(failures)
        assert next(failures)
        stop(process)
