"""Exposition of metrics: at `/metrics` of a web server, and on METRICS_PORT of every process."""

import os
from collections.abc import Iterable
from functools import cache
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Metric,
    generate_latest,
    make_wsgi_app,
)
from prometheus_client.multiprocess import MultiProcessCollector

from microstore.metrics.folder import VARIABLE, forget_the_dead
from microstore.metrics.gauges import DatabaseGauges

log = structlog.get_logger(__name__)


class Counted:
    """Collector of what this process and its siblings have counted."""

    def collect(self) -> Iterable[Metric]:
        if VARIABLE not in os.environ:
            return REGISTRY.collect()
        forget_the_dead()
        siblings: Any = MultiProcessCollector
        return cast("Iterable[Metric]", siblings(CollectorRegistry()).collect())


@cache
def registry_of(*, with_database: bool) -> CollectorRegistry:
    """Return the registry of counters, with the gauges that are read from the database or without them."""
    registry = CollectorRegistry()
    registry.register(Counted())
    if with_database:
        registry.register(DatabaseGauges())
    return registry


@require_safe
def view(request: HttpRequest) -> HttpResponse:
    """Serve `/metrics`, which the gateway does not let through: it is for operators."""
    return HttpResponse(
        generate_latest(registry_of(with_database=True)),
        headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"},
    )


def expose(*, with_database: bool = False) -> None:
    """Serve metrics on METRICS_PORT, where it is set, in a thread; siblings may share the port."""
    if not settings.METRICS_PORT:
        return
    place = (settings.METRICS_HOST, settings.METRICS_PORT)
    try:
        server = make_server(*place, _answering(with_database=with_database), Server, handler_class=Quiet)
    except OSError as error:  # the process does its work without metrics, too
        log.error("metrics_not_exposed", port=settings.METRICS_PORT, error=str(error))
        return
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class Server(ThreadingMixIn, WSGIServer):
    """A server with a thread for each request."""

    daemon_threads = True
    allow_reuse_port = True


class Quiet(WSGIRequestHandler):
    """A handler that logs no requests: Prometheus scrapes every few seconds."""

    def log_message(self, *args: Any) -> None:
        pass


def _answering(*, with_database: bool) -> Any:
    answer = make_wsgi_app(registry_of(with_database=with_database))

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return answer(environ, start_response)
        finally:
            connection.close()  # that of this thread, which ends with the answer

    return application
