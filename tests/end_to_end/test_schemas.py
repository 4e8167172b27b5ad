"""Both APIs behave as their schemas describe: schemathesis generates valid and invalid requests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stack.places import ROOT
from stack.processes.environment import choose_all_ports, make_environment
from stack.processes.procfile import read_procfile
from stack.processes.readiness import address_of
from stack.processes.stack import Stack
from tests.support.market import Market

APIS = ("listings-api", "transactions-api")
PRODUCTION = {"DEBUG": "", "ALLOW_DEFAULTS": "1", "SECURE_SSL_REDIRECT": "0", "ALLOWED_HOSTS": "127.0.0.1"}
CONFIGURATION = ROOT / "tests/support/schemathesis.toml"
ENDS_WITHIN_SECONDS = 400  # half a minute where nothing else runs
Runs = dict[str, "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def apis(open_market: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both APIs once more, as in production: nothing is answered by Django's pages for developers."""
    ports = {name: str(port) for name, port in choose_all_ports().items()}
    commands = {name: read_procfile(ROOT / "Procfile")[name] for name in APIS}
    environment = make_environment(open_market.settings | ports | PRODUCTION)
    stack = Stack(commands, environment=environment, folder=tmp_path_factory.mktemp("apis"))
    try:
        stack.start_all()
        stack.wait_all_ready()
        yield stack
    finally:
        stack.stop_all()


@pytest.fixture(scope="module")
def runs(open_market: Market, apis: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Both at once: each waits half of its time for its service, which hashes passwords meanwhile."""
    running: Runs = {}
    with ExitStack() as ending:
        for api in APIS:
            running[api] = start(api, open_market, apis, tmp_path_factory.mktemp(api))
            ending.enter_context(running[api])
            ending.callback(running[api].kill)
        yield running


def start(api: str, market: Market, apis: Stack, folder: Path) -> "subprocess.Popen[str]":
    """Schemathesis, with the token of somebody new."""
    person = market.add_people(1)[0]
    sql = "UPDATE auth_user SET email = %s WHERE id = %s RETURNING id"
    market.listings(sql, f"{api}@shop.example", person.id)
    command = ["run", f"{address_of(api, apis.environment)}/api/schema/", "--checks", "all", "--no-color"]
    return subprocess.Popen(
        [Path(sys.executable).with_name("schemathesis"), "--config-file", CONFIGURATION, *command],
        env=os.environ | {"SCHEMATHESIS_TOKEN": person.token},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.timeout(ENDS_WITHIN_SECONDS)
@pytest.mark.parametrize("api", APIS)
def test_an_api_behaves_as_its_schema_describes(runs: Runs, api: str) -> None:
    """No failure of the server, no answer that is not in the schema, and no bad request that is let in."""
    output, _ = runs[api].communicate()
    assert runs[api].returncode == 0, output
    assert "Stateful" in output
