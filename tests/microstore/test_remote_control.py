"""Whoever may send a worker remote control learns nothing that would let them in elsewhere."""

import json
from types import SimpleNamespace
from urllib.parse import urlsplit

from celery.app.defaults import DEFAULTS
from celery.worker import control
from django.conf import settings

from microstore.celery import app


def test_the_configuration_that_a_worker_shows_holds_no_password() -> None:
    shown = json.dumps(control.conf(SimpleNamespace(app=app), with_defaults=True), default=str)
    assert "task_acks_late" in shown
    urls = [settings.BROKER_URL, settings.CHANNEL_LAYER_URL, *settings.AUDITED_DATABASES.values()]
    passwords = {password for url in urls if (password := urlsplit(url).password)}
    assert passwords
    secrets = {*passwords, settings.SECRET_KEY, settings.SIMPLE_JWT["SIGNING_KEY"]} - {""}
    assert [secret for secret in secrets if secret in shown] == []


def test_celery_keeps_its_own_settings_and_no_others() -> None:
    known = set(DEFAULTS)
    kept = set(app.conf.table(with_defaults=False, censored=False)) - {"deprecated_settings"}
    assert kept - known == {"CELERY_DB_REUSE_MAX", "db_reuse_max"}
    assert app.conf.get("CELERY_DB_REUSE_MAX") == settings.CELERY_DB_REUSE_MAX
