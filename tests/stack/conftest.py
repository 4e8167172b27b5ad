"""One set of throw-away servers for all tests of the launcher, and stacks of small processes."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from stack.private import throw_away_services
from stack.processes import Stack
from stack.server import Server
from stack.services import Services


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """Fresh servers, also where the environment gives some: these tests kill them, and start them again."""
    with throw_away_services() as started:
        yield started


@pytest.fixture(params=["listings", "rabbitmq", "redis"])
def server(request: pytest.FixtureRequest, services: Services) -> Server:
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
