"""Whoever may send a worker remote control learns nothing that would let them in elsewhere."""

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from celery import Celery
from celery.app.defaults import DEFAULTS
from celery.worker import control
from django.conf import settings
from kombu import Connection
from pytest_django import Settings

from microstore.celery import app
from microstore.messaging.receiving.remote_control import Mailbox


def url_of(user: str) -> str:
    return re.sub(r"//\w+:", f"//{user}:", settings.BROKER_URL)


@pytest.fixture
def worker() -> Iterator[Any]:
    """As much of a worker as its mailbox needs, with the rights of production."""
    service = settings.SERVICE
    with Connection(url_of(service)) as connection:
        yield SimpleNamespace(
            app=app,
            hostname=f"{service}-1@here",
            connection=connection,
            hub=None,
            controller=SimpleNamespace(use_eventloop=False),
            on_decode_error=None,
        )


def test_a_worker_answers_by_a_user_who_may_do_nothing_else(worker: Any, settings: Settings) -> None:
    settings.CONTROL_BROKER_URL = url_of(f"{settings.SERVICE}_control")
    mailbox = Mailbox(worker)
    mailbox.start(worker)
    flower = Celery("flower", broker=url_of("flower"), set_as_current=False)
    asking: Any = flower.control
    asking.broadcast("ping")
    replies: list[Any] = []
    with flower.connection_for_read() as broker:
        box = asking.mailbox(broker)
        box._publish("ping", {}, reply_ticket="1", channel=broker.default_channel)
        for _ in range(2):
            mailbox.connection.drain_events(timeout=10)
        with flower.amqp.Consumer(broker.default_channel, [box.reply_queue], no_ack=True) as replying:
            replying.register_callback(lambda body, _: replies.append(body))
            broker.drain_events(timeout=10)
    assert replies == [{worker.hostname: {"ok": "pong"}}]
    mailbox.stop(worker)
    assert mailbox.connection is None
    flower.close()


@pytest.mark.parametrize("control", ["", "a user who is not there"])
def test_a_worker_that_may_open_no_mailbox_works_without(
    worker: Any, control: str, settings: Settings
) -> None:
    settings.CONTROL_BROKER_URL = control and url_of("nobody")
    mailbox = Mailbox(worker)
    mailbox.start(worker)
    assert mailbox.consumer is None
    assert mailbox.connection is None
    worker.connection.default_channel.queue_declare(settings.SERVICE, passive=True)
    mailbox.stop(worker)


def test_the_configuration_that_a_worker_shows_holds_no_password() -> None:
    shown = json.dumps(control.conf(SimpleNamespace(app=app), with_defaults=True), default=str)
    assert "task_acks_late" in shown
    urls = [
        settings.BROKER_URL,
        settings.CONTROL_BROKER_URL,
        settings.CHANNEL_LAYER_URL,
        *settings.AUDITED_DATABASES.values(),
    ]
    passwords = {password for url in urls if (password := urlsplit(url).password)}
    assert passwords
    secrets = {*passwords, settings.SECRET_KEY, settings.SIMPLE_JWT["SIGNING_KEY"]} - {""}
    assert [secret for secret in secrets if secret in shown] == []


def test_celery_keeps_its_own_settings_and_no_others() -> None:
    known = set(DEFAULTS)
    kept = set(app.conf.table(with_defaults=False, censored=False)) - {"deprecated_settings"}
    assert kept - known == {"CELERY_DB_REUSE_MAX", "db_reuse_max"}
    assert app.conf.get("CELERY_DB_REUSE_MAX") == settings.CELERY_DB_REUSE_MAX
