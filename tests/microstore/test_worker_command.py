"""What starts a worker. That it runs and ends well the end-to-end tests see: they start them all by it."""

import subprocess
import sys
from contextlib import ExitStack
from socket import gethostname

import pytest
from django.conf import settings
from django.core import checks
from django.core.management import CommandError, call_command

from microstore.celery import app
from stack.waiting import wait_until
from tests.support.admin_models import REGISTERED


def test_a_queue_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(CommandError, match=rf"'listing'.*choose from.*'{settings.SERVICE}'"):
        call_command("worker", "listing")


def test_the_admin_is_whole_though_no_worker_loads_it() -> None:
    assert {model._meta.app_label for model in REGISTERED} >= {settings.SERVICE, "messaging"}
    assert checks.run_checks(tags=[checks.Tags.admin]) == []


@pytest.mark.timeout(90)
def test_two_workers_on_one_host_have_names_of_their_own() -> None:
    command = [sys.executable, "manage.py", "worker", settings.SERVICE]
    with ExitStack() as ending:
        workers = []
        for _ in range(2):
            worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            ending.callback(worker.wait)
            ending.callback(worker.kill)
            workers.append(worker)
        mine = {f"{settings.SERVICE}-{worker.pid}@{gethostname()}" for worker in workers}
        assert wait_until(lambda: mine <= names_of_workers(), timeout_seconds=60)


def names_of_workers() -> set[str]:
    return {name for answer in app.control.ping(timeout=1) or () for name in answer}
