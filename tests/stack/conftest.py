"""One set of throw-away servers for all tests of the launcher, and stacks of small processes."""

import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from stack.processes.stack import Stack
from stack.servers.private import RealServers
from stack.servers.server import Server
from stack.servers.throw_away import throw_away_servers


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT interrupts: a shell ignores it for what runs in the background, and Python leaves it so."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def services() -> Iterator[RealServers]:
    """Fresh servers, also where the environment gives some: these tests kill them, and start them again."""
    with throw_away_servers() as started:
        yield started


@pytest.fixture(params=["listings", "rabbitmq", "redis"])
def server(request: pytest.FixtureRequest, services: RealServers) -> Server:
    """One server of each kind."""
    return next(server for server in services.all if server.name == request.param)


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[Callable[[Mapping[str, str]], Stack]]:
    """Makes stacks of small commands, all in one folder, whose processes end with the test."""
    made: list[Stack] = []

    def make(commands: Mapping[str, str]) -> Stack:
        made.append(Stack(commands, environment={"PATH": "/usr/bin:/bin"}, folder=tmp_path))
        return made[-1]

    yield make
    for stack in made:
        for name in stack.commands:
            stack[name].kill()
