"""A variable that is missing or cannot be read is one line that names it, in every process."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from microstore.environment import check_url
from stack.places import ROOT

WRONG = {
    "PROXIES": "abc",
    "BODY_SECONDS": "",
    "RETRY_DELAYS_SECONDS": "5,soon",
    "STORAGE_OPTIONS": "{",
    "PEER_URLS": "transactions",
    "METRICS_PORT": "x",
    "ACCOUNT_HISTORY_DAYS": "long",
    "DATABASE_URL": "postgres://host:port/name",
    "BROKER_URL": "rabbitmq:5672",
    "CHANNEL_LAYER_URL": "redis://:secret@127.0.0.1:zz",
    "FEES_URL": "localhost:8003",
    "EMAIL_URL": "smtp://mail:fast",
    "LOG_LEVEL": "loud",
    "MICROSTORE_SERVICE": "chairs",
}
PROCESSES = {
    "manage.py": ["manage.py", "reconcile"],
    "wsgi": ["-c", "import microstore.wsgi"],
    "asgi": ["-c", "import microstore.asgi"],
    "celery": ["-c", "import microstore.celery"],
}


def start(arguments: list[str], **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "MICROSTORE_SERVICE": "transactions", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", WRONG)
def test_a_value_that_cannot_be_read_is_one_line(name: str) -> None:
    done = start(["manage.py", "check"], **{"DEBUG": "1", name: WRONG[name]})
    [line] = done.stderr.splitlines()
    assert done.returncode == 1
    assert name in line
    assert "secret" not in line


def test_a_database_may_have_several_hosts() -> None:
    check_url("DATABASE_URL", "postgres://app:secret@one:5432,[::1]:5433,two/listings", {"postgres"})
    with pytest.raises(ImproperlyConfigured):
        check_url("DATABASE_URL", "postgres://app:secret@one:5432,two:port/listings", {"postgres"})


@pytest.mark.parametrize(("service", "command"), [("transactions", "reconcile"), ("listings", "post_ledger")])
def test_a_command_of_another_service_says_whose_it_is(service: str, command: str) -> None:
    done = start(["manage.py", command], DEBUG="1", MICROSTORE_SERVICE=service)
    [line] = done.stderr.splitlines()
    owner = {"transactions": "listings", "listings": "transactions"}[service]
    assert done.returncode == 1
    assert line == f"{command} belongs to {owner}: MICROSTORE_SERVICE={owner} manage.py {command}"


@pytest.mark.parametrize("process", PROCESSES)
def test_a_variable_that_is_missing_is_one_line(process: str) -> None:
    done = start(PROCESSES[process])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Settings: Set DATABASE_URL in the environment (or DEBUG=1 for development).\n"
