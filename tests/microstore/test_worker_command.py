"""What starts a worker. That it runs and ends well the end-to-end tests see: they start them all by it."""

import subprocess
import sys
from contextlib import AbstractContextManager, ExitStack
from socket import gethostname

import pytest
from django.conf import settings
from django.core import checks
from django.core.management import CommandError, call_command

from microstore.celery import app
from microstore.contracts.registry import SERVICES
from microstore.messaging import topology
from stack.waiting import wait_until
from tests.support.admin_models import REGISTERED
from tests.support.broker import Mailbox, commands_to
from tests.support.children import child


def test_a_queue_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(CommandError, match=rf"'listing'.*choose from.*'{settings.SERVICE}'"):
        call_command("worker", "listing")


def test_the_admin_is_whole_though_no_worker_loads_it() -> None:
    assert {model._meta.app_label for model in REGISTERED} >= {settings.SERVICE, "messaging"}
    assert checks.run_checks(tags=[checks.Tags.admin]) == []


def running(*command: str) -> AbstractContextManager[subprocess.Popen[str]]:
    return child([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def waiting_and_consumers(mailbox: Mailbox) -> tuple[int, int]:
    _, messages, consumers = mailbox.queue.queue_declare(passive=True)
    return messages, consumers


@pytest.mark.timeout(120)
def test_a_worker_started_as_celery_says_leaves_the_messages_of_the_other_service_where_they_are() -> None:
    other = next(service for service in SERVICES if service != settings.SERVICE)
    with (
        commands_to(settings.SERVICE) as own,
        commands_to(other) as foreign,
        app.connection_for_write() as broker,
    ):
        dead = Mailbox(broker, topology.dead_queue(settings.SERVICE))
        dead.queue.purge()
        for queue in (settings.SERVICE, other):
            broker.Producer().publish(
                {"no": "task"}, exchange=topology.TASKS, routing_key=f"task.{queue}", mandatory=True
            )
        assert wait_until(lambda: waiting_and_consumers(foreign) == (1, 0), timeout_seconds=30)
        with running("-m", "celery", "-A", "microstore", "worker", "--concurrency", "1"):
            assert wait_until(lambda: waiting_and_consumers(dead)[0] == 1, timeout_seconds=90)
            assert waiting_and_consumers(own)[1] == 1
            assert waiting_and_consumers(foreign) == (1, 0)
        dead.queue.purge()


@pytest.mark.timeout(90)
def test_two_workers_on_one_host_have_names_of_their_own() -> None:
    command = ["manage.py", "worker", settings.SERVICE]
    with ExitStack() as ending:
        workers = [ending.enter_context(running(*command)) for _ in range(2)]
        mine = {f"{settings.SERVICE}-{worker.pid}@{gethostname()}" for worker in workers}
        assert wait_until(lambda: mine <= names_of_workers(), timeout_seconds=60)


def names_of_workers() -> set[str]:
    return {name for answer in app.control.ping(timeout=1) or () for name in answer}
