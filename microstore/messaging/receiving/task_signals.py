"""Signal handlers around each task: failed database connections are dropped, log lines get the trace."""

from typing import Any

import structlog
from celery.signals import task_postrun, task_prerun
from django.db import close_old_connections

from microstore.telemetry.tracing import trace_id_of


@task_prerun.connect
@task_postrun.connect
def drop_broken_connections(**_: Any) -> None:
    # Those that have failed or grown old; `db_reuse_max` keeps Celery from closing the others.
    close_old_connections()


@task_prerun.connect
def bind_trace(args: Any = (), **_: Any) -> None:
    # A batch has as many traces as events: what is done about one of them alone binds that one's.
    structlog.contextvars.clear_contextvars()
    match args:
        case [[{"trace": str() as trace}], *_]:
            structlog.contextvars.bind_contextvars(trace_id=trace_id_of(trace))


@task_postrun.connect
def unbind_trace(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()
