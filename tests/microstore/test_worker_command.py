"""What starts a worker. That it runs and ends well the end-to-end tests see: they start them all by it."""

from importlib import import_module

import pytest
from django.conf import settings
from django.contrib import admin
from django.core import checks
from django.core.management import CommandError, call_command


def test_a_queue_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(CommandError, match=rf"'listing'.*choose from.*'{settings.SERVICE}'"):
        call_command("worker", "listing")


def test_the_admin_is_whole_though_no_worker_loads_it() -> None:
    import_module(settings.ROOT_URLCONF)
    assert {model._meta.app_label for model in admin.site._registry} >= {settings.SERVICE, "messaging"}
    assert checks.run_checks(tags=[checks.Tags.admin]) == []
