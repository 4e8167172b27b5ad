"""Celery app of the service that MICROSTORE_SERVICE names. One process, one app."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

from microstore.environment import read_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "microstore.settings")

read_settings()
app = Celery(
    "microstore", amqp="microstore.messaging.receiving.celery_worker:ConfirmingAMQP", set_as_current=True
)
app.config_from_object("microstore.messaging.celery_configuration:CONFIGURATION")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    pass  # Being connected is enough: Celery leaves logging as Django set it up.
