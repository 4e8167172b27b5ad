"""The launcher's output for the person at the terminal."""

from pathlib import Path

import pytest

from stack.processes.environment import PORTS
from stack.processes.stack import Stack
from stack.report import print_where_to_look


@pytest.mark.parametrize("url", ["amqp://listener:secret@127.0.0.1:5672//", ""])
def test_a_stranger_s_listener_is_given_its_url_where_the_broker_has_a_user_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    told = {name: str(port) for name, port in PORTS.items()} | {"LISTENER_BROKER_URL": url}
    print_where_to_look(Stack({}, environment=told, folder=tmp_path), [])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines if line.startswith("Broker, to listen")] == [url] * bool(url)
