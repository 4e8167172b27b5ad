"""The Celery app of the service that MICROSTORE_SERVICE names. One process, one app."""

import os
from typing import Any

import structlog
from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun

from microstore.telemetry.tracing import trace_id_of

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "microstore.settings")

app = Celery(
    "microstore", amqp="microstore.messaging.receiving.celery_worker:ConfirmingAMQP", set_as_current=True
)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.loader.import_module("microstore.messaging.receiving.worker_heartbeat")  # a worker says that it consumes


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Being connected is enough: Celery leaves logging as Django set it up."""


@task_prerun.connect
@task_postrun.connect
def drop_broken_connections(**_: Any) -> None:
    """Give up database connections that have failed or grown old, and keep the others."""
    from django.db import close_old_connections  # noqa: PLC0415  # needs settings

    close_old_connections()


@task_prerun.connect
def bind_trace(args: Any = (), **_: Any) -> None:
    """Log lines of a task carry its trace; of a batch only those that are about one event do."""
    structlog.contextvars.clear_contextvars()
    match args:
        case [[{"trace": str() as trace}], *_]:
            structlog.contextvars.bind_contextvars(trace_id=trace_id_of(trace))


@task_postrun.connect
def unbind_trace(**_: Any) -> None:
    """Nothing of a task is left for the next one."""
    structlog.contextvars.clear_contextvars()
