"""Throw-away databases of both services, and audits of them."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg2
import pytest
from django.core.management import call_command
from pytest_django import DjangoDbBlocker, Settings

from microstore.celery import app
from microstore.messaging import topology
from stack.places import ROOT
from tests.audit.shop import Shop

SERVICES = ("listings", "transactions")


class Audit(NamedTuple):
    """An audit's exit code and its report."""

    exit_code: int
    report: dict[str, Any]

    @property
    def found(self) -> dict[str, list[str]]:
        """The subjects of the examples, by the name of the check that found any."""
        checks = (check for check in self.report["checks"] if check["disagreements"])
        return {check["name"]: [example["subject"] for example in check["examples"]] for check in checks}

    def problems(self, name: str) -> list[str]:
        """The problems among the examples of a check."""
        [check] = [check for check in self.report["checks"] if check["name"] == name]
        return [example["problem"] for example in check["examples"]]


RunAudit = Callable[..., Audit]


def manage(service: str, urls: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a manage.py command of a service in a process of its own."""
    names = {f"{name.upper()}_DATABASE_URL": url for name, url in urls.items()}
    own = {"MICROSTORE_SERVICE": service, "DATABASE_URL": urls[service], "DEBUG": "1"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env={**os.environ, **names, **own},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def make_databases() -> Iterator[dict[str, str]]:
    """A database of our own on each of the two servers."""
    name = f"audit_{uuid4().hex}"
    servers = {service: os.environ[f"{service.upper()}_DATABASE_URL"] for service in SERVICES}
    for url in servers.values():
        execute(url, f"CREATE DATABASE {name}")
    yield {service: f"{url.rpartition('/')[0]}/{name}" for service, url in servers.items()}
    for url in servers.values():
        execute(url, f"DROP DATABASE {name} WITH (FORCE)")


def execute(url: str, sql: str) -> None:
    """Run SQL outside of a transaction, as CREATE DATABASE needs."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(sql)


@pytest.fixture(scope="session")
def urls() -> Iterator[dict[str, str]]:
    """Both databases with their tables, by service."""
    with make_databases() as urls:
        for service in SERVICES:
            done = manage(service, urls, "migrate", "--verbosity=0")
            assert done.returncode == 0, done.stderr
        yield urls


@pytest.fixture
def shop(urls: dict[str, str], django_db_blocker: DjangoDbBlocker, settings: Settings) -> Iterator[Shop]:
    """An open shop in which nothing is sold yet."""
    settings.AUDITED_DATABASES = urls
    shop = Shop(urls)
    with django_db_blocker.unblock(), closing(shop):
        shop.open()
        yield shop


@pytest.fixture(autouse=True)
def queues() -> None:
    """Declare all queues in the broker."""
    with app.connection_for_write() as connection:
        topology.declare(connection, SERVICES)


@pytest.fixture
def run_audit(shop: Shop) -> RunAudit:
    """`manage.py audit --json`, with its exit code."""

    def run(*options: str) -> Audit:
        output = io.StringIO()
        exit_code = 0
        try:
            call_command("audit", "--json", *options, stdout=output)
        except SystemExit as error:
            exit_code = int(error.code or 0)
        return Audit(exit_code, json.loads(output.getvalue()))

    return run
