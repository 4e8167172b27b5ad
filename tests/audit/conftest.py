"""Throw-away databases of both services, PostgreSQL and SQLite, and audits of them."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
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
    """What an audit said, and its exit code."""

    exit_code: int
    report: dict[str, Any]

    @property
    def found(self) -> dict[str, list[str]]:
        """The subjects of the examples, by the name of the check that found any."""
        checks = (check for check in self.report["checks"] if check["disagreements"])
        return {check["name"]: [example["subject"] for example in check["examples"]] for check in checks}

    def problems(self, name: str) -> list[str]:
        """What a check says is wrong."""
        [check] = [check for check in self.report["checks"] if check["name"] == name]
        return [example["problem"] for example in check["examples"]]


RunAudit = Callable[..., Audit]

# For what SQLite cannot do.
on_postgresql = pytest.mark.parametrize("urls", ["postgresql"], indirect=True)


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
def postgresql_databases() -> Iterator[dict[str, str]]:
    """A database of our own on each of the two servers."""
    name = f"audit_{uuid4().hex}"
    servers = {service: os.environ[f"{service.upper()}_DATABASE_URL"] for service in SERVICES}
    for url in servers.values():
        execute(url, f"CREATE DATABASE {name}")
    yield {service: f"{url.rpartition('/')[0]}/{name}" for service, url in servers.items()}
    for url in servers.values():
        execute(url, f"DROP DATABASE {name} WITH (FORCE)")


def execute(url: str, sql: str) -> None:
    """Outside a transaction."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(sql)


@contextmanager
def sqlite_databases(folder: Path) -> Iterator[dict[str, str]]:
    """A file a service, as in the embedded run."""
    yield {service: f"sqlite:///{folder}/{service}.sqlite3" for service in SERVICES}


@pytest.fixture(scope="session", params=["postgresql", "sqlite"])
def urls(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Both databases with their tables, by service."""
    folder = tmp_path_factory.mktemp("sqlite")
    with postgresql_databases() if request.param == "postgresql" else sqlite_databases(folder) as urls:
        for service in SERVICES:
            done = manage(service, urls, "migrate", "--verbosity=0")
            assert done.returncode == 0, done.stderr
        yield urls


@pytest.fixture
def shop(urls: dict[str, str], django_db_blocker: DjangoDbBlocker, settings: Settings) -> Iterator[Shop]:
    """Open, and nothing sold yet."""
    settings.AUDITED_DATABASES = urls
    shop = Shop(urls)
    with django_db_blocker.unblock(), closing(shop):
        shop.open()
        yield shop


@pytest.fixture(autouse=True)
def queues() -> None:
    """The broker has all of them."""
    with app.connection_for_write() as connection:
        topology.declare(connection)


@pytest.fixture
def run_audit(shop: Shop) -> RunAudit:
    """`manage.py audit --json`, with its exit code."""

    def run(*options: str) -> Audit:
        told = io.StringIO()
        exit_code = 0
        try:
            call_command("audit", "--json", *options, stdout=told)
        except SystemExit as error:
            exit_code = int(error.code or 0)
        return Audit(exit_code, json.loads(told.getvalue()))

    return run
