"""The project in the README of microstore.messaging, in a folder of its own, and its processes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from django.conf import settings
from kombu import Connection

from tests.support.copied_code import copy_code

ROOT = Path(__file__).parent.parent.parent
NEEDED = (
    *("__init__.py", "messaging", "metrics", "telemetry", "database"),
    *("contracts/__init__.py", "contracts/contract.py", "contracts/registration.py"),
)
MANAGE = """
import os, sys
from django.core.management import execute_from_command_line
from bakery.celery import app
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bakery.settings")
execute_from_command_line(sys.argv)
"""
SHORT = "\nMAX_ATTEMPTS = 1\n"


@contextmanager
def bakery(tmp_path: Path, *, broker_url: str = "", **changes: str) -> Iterator[Path]:
    """A folder with the project of the README and the modules that it names, and a database of its own."""
    for name in NEEDED:
        copy_code(f"microstore/{name}", tmp_path)
    readme = (ROOT / "microstore/messaging/README.md").read_text()
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", readme, re.DOTALL)
    assert len(blocks) >= 6
    (tmp_path / "bakery").mkdir()
    (tmp_path / "bakery/__init__.py").touch()
    (tmp_path / "manage.py").write_text(MANAGE)
    for name, code in blocks:
        changed = changes.get(Path(name).stem, code)
        (tmp_path / name).write_text(changed + SHORT * name.endswith("settings.py"))
    with database("bakery") as url:
        (tmp_path / "environment.json").write_text(json.dumps(environment(url, broker_url)))
        yield tmp_path
    with Connection(settings.BROKER_URL) as broker:
        for queue in ("bakery", "bakery.dead", "mill", "mill.dead"):
            broker.default_channel.queue_delete(queue)


@contextmanager
def database(name: str) -> Iterator[str]:
    """A new database beside the one of the tests; yields its URL."""
    own = settings.DATABASES["default"]
    server = psycopg2.connect(
        host=own["HOST"], port=own["PORT"], user=own["USER"], password=own["PASSWORD"], dbname="postgres"
    )
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield f"postgres://{own['USER']}:{own['PASSWORD']}@{own['HOST']}:{own['PORT']}/{name}"
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    server.close()


def environment(database_url: str, broker_url: str) -> dict[str, str]:
    broker = broker_url or settings.BROKER_URL
    own = {"DATABASE_URL": database_url, "BROKER_URL": broker, "SECRET_KEY": "of a bakery"}
    return own | {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "bakery.settings"}


def start(folder: Path, *command: str) -> subprocess.Popen[str]:
    known = json.loads((folder / "environment.json").read_text())
    return subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=known, stdout=subprocess.PIPE, text=True
    )


def run(folder: Path, *command: str) -> str:
    process = start(folder, *command)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    return output


@contextmanager
def running(folder: Path, *command: str) -> Iterator[None]:
    """A process that is ended by SIGTERM, and killed if that does not end it."""
    process = start(folder, *command)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def order(folder: Path, loaves: int) -> None:
    run(
        folder,
        "-c",
        f"import django; django.setup(); from bakery.orders import order_bread; order_bread(7, {loaves})",
    )


def baked(folder: Path) -> list[int]:
    known = json.loads((folder / "environment.json").read_text())
    with psycopg2.connect(known["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT loaves FROM bakery_baked ORDER BY loaves")
        return [loaves for (loaves,) in cursor.fetchall()]


def letters(folder: Path) -> dict[int, str]:
    """The errors of the dead letters by their ids."""
    known = json.loads((folder / "environment.json").read_text())
    with psycopg2.connect(known["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, error FROM messaging_deadletter")
        return dict(cursor.fetchall())
