"""The boundaries of DESIGN, seen from the running process; import-linter sees them in the source."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from microstore.contracts.registry import SERVICES

ROOT = Path(__file__).parent.parent
PACKAGES = ("microstore", "audit", "listings", "transactions", "fees", "stack")
MAX_LINES = 300
VAGUE = {"utils", "common", "base", "helpers", "misc"}
NAMED_BY_DJANGO = ROOT / "microstore/postgresql/base.py"  # where it looks for a database backend


START = (
    "import django; django.setup()\n"
    "from microstore.celery import app; app.loader.import_default_modules()\n"
    "import microstore.urls, microstore.asgi, microstore.messaging.sending.relay"
)


def modules_after(code: str, **environment: str) -> set[str]:
    """All modules that are loaded once the code has run in a fresh interpreter."""
    program = f"import sys\n{code}\nprint(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


def packages_after(code: str, **environment: str) -> set[str]:
    """The top-level packages of these modules."""
    return {name.partition(".")[0] for name in modules_after(code, **environment)}


def settings_of(service: str) -> dict[str, str]:
    """What a process of the service is told, at least."""
    return {"MICROSTORE_SERVICE": service, "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "microstore.settings"}


@pytest.mark.parametrize(("service", "other"), [("listings", "transactions"), ("transactions", "listings")])
def test_a_service_loads_nothing_of_the_other(service: str, other: str) -> None:
    loaded = packages_after(START, **settings_of(service))
    assert service in loaded
    assert not loaded & {other, "fees", "stack"}


def test_microstore_names_no_service_but_in_its_contracts() -> None:
    """What is one service's own comes from its AppConfig (`microstore/service.py`); prose may name them."""
    named = re.compile(rf"({'|'.join(SERVICES)})([.:/].*)?")
    found = {
        f"{file.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for file in (ROOT / "microstore").rglob("*.py")
        if not {"contracts", "migrations"} & set(file.parts)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and named.fullmatch(node.value)
    }
    assert found == set()


@pytest.mark.parametrize("service", ["listings", "transactions"])
def test_without_a_collector_no_process_loads_opentelemetry(service: str) -> None:
    """But for what redis-py loads by itself where it finds it; the image has not got it."""
    told = settings_of(service) | {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}
    added = modules_after(START, **told) - modules_after("import redis.asyncio")
    assert "microstore.telemetry.otel" in added
    assert not {
        name for name in added if name.startswith(("opentelemetry", "microstore.telemetry.otel_export"))
    }
    assert "opentelemetry" not in (ROOT / "requirements.txt").read_text()


@pytest.mark.parametrize("service", ["listings", "transactions"])
def test_a_worker_loads_no_pages_and_no_command_line_of_celery(service: str) -> None:
    code = (
        "from celery.apps.worker import Worker; Worker.start = lambda self: None; Worker.exitcode = 0\n"
        f"sys.argv = ['manage.py', 'worker', '{service}']; import runpy\n"
        "try: runpy.run_path('manage.py', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0"
    )
    loaded = modules_after(code, **settings_of(service))
    assert f"{service}.tasks" in loaded
    costly = {"microstore.urls", "rest_framework.views", "redis.asyncio", "jwt", "PIL"}
    assert not loaded & (costly | {"flower", "prompt_toolkit"})


def test_what_only_stores_and_deletes_loads_no_http_client() -> None:
    code = "import django; django.setup(); import listings.management.commands.reconcile"
    loaded = packages_after(code, **settings_of("listings"))
    assert not loaded & {"requests", "jwt", "PIL", "rest_framework_simplejwt"}


@pytest.mark.parametrize("service", ["listings", "transactions"])
def test_what_a_process_has_loaded_is_not_looked_through_for_garbage(service: str) -> None:
    code = (
        "import gc, microstore, django; before = gc.get_stats(); django.setup()\n"
        "assert gc.get_stats() == before\n"
        "assert gc.get_freeze_count() > 50_000 and gc.get_threshold() == (50_000, 20, 20)"
    )
    modules_after(code, **settings_of(service))


@pytest.mark.parametrize(("service", "costly"), [("listings", set()), ("transactions", {"iso4217"})])
def test_a_relay_loads_no_tool_of_developers_and_nothing_that_reads_tokens(
    service: str, costly: set[str]
) -> None:
    load = "import microstore.environment, django; django.setup()"
    assert not packages_after(load, **settings_of(service)) & {"rich", "pygments", "cryptography", *costly}
    assert "rich.console" in modules_after(f"{load}; import rich.console", **settings_of(service))


def test_contracts_need_neither_django_nor_celery() -> None:
    loaded = packages_after("import microstore.contracts.registry")
    assert "pydantic" in loaded
    assert not loaded & {"django", "celery", "kombu", "channels", "rest_framework"}


def test_the_fee_function_needs_the_standard_library_alone() -> None:
    loaded = packages_after("import fees.handler, fees.server")
    assert {name for name in loaded if not name.startswith("_")} - set(sys.stdlib_module_names) <= {
        "fees",
        *packages_after("pass"),
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_reads_at_one_sitting_and_is_named_after_something(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        if "migrations" in file.parts:
            continue
        assert len(file.read_text().splitlines()) <= MAX_LINES, f"{file} is too long"
        assert file.stem not in VAGUE or file == NAMED_BY_DJANGO, f"{file} is named after nothing"


def test_only_messaging_touches_the_broker_library() -> None:
    allowed = {"microstore/messaging", "microstore/celery.py"}
    for package in ("microstore", "audit", "listings", "transactions"):
        for file in (ROOT / package).rglob("*.py"):
            path = file.relative_to(ROOT).as_posix()
            if not any(path.startswith(place) for place in allowed):
                assert "kombu" not in file.read_text(), f"{path} touches kombu"
