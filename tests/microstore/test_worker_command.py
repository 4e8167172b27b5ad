"""What starts a worker. That it runs and ends well the end-to-end tests see: they start them all by it."""

import pytest
from django.conf import settings
from django.core import checks
from django.core.management import CommandError, call_command

from tests.support.admin_models import REGISTERED


def test_a_queue_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(CommandError, match=rf"'listing'.*choose from.*'{settings.SERVICE}'"):
        call_command("worker", "listing")


def test_the_admin_is_whole_though_no_worker_loads_it() -> None:
    assert {model._meta.app_label for model in REGISTERED} >= {settings.SERVICE, "messaging"}
    assert checks.run_checks(tags=[checks.Tags.admin]) == []
