"""The Celery app of the service that MICROSTORE_SERVICE names. One process, one app."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "microstore.settings")

app = Celery("microstore", amqp="microstore.messaging.worker:ConfirmingAMQP", set_as_current=True)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Being connected is enough: Celery leaves logging as Django set it up."""


@task_prerun.connect
@task_postrun.connect
def drop_broken_connections(**_: Any) -> None:
    """Give up database connections that have failed or grown old, and keep the others."""
    from django.db import close_old_connections  # noqa: PLC0415  # needs settings

    close_old_connections()
