"""A web server that is stopped before its application is loaded."""

import os
import sys
from pathlib import Path

import pytest

from stack.places import ROOT
from stack.ports import choose_ports
from stack.processes.process_table import family_of
from stack.waiting import wait_until
from tests.support.children import child

LOADS_FOR_EVER = """
import pathlib, time
pathlib.Path(__file__).with_name("loading").touch()
time.sleep(600)
"""


@pytest.mark.parametrize("interface", ["wsgi", "asginl"])
def test_a_web_server_that_is_stopped_while_it_loads_ends_at_once(tmp_path: Path, interface: str) -> None:
    (tmp_path / "slow_settings.py").write_text(LOADS_FOR_EVER)
    search = os.pathsep.join((str(tmp_path), str(ROOT)))
    variables = {"PYTHONPATH": search, "DJANGO_SETTINGS_MODULE": "slow_settings"}
    command = [
        *(str(Path(sys.executable).with_name("granian")), "--interface", interface),
        *("--port", str(choose_ports(1)[0]), f"microstore.{interface[:4]}:application"),
    ]
    with child(command, env=os.environ | variables, cwd=ROOT) as server:
        assert wait_until((tmp_path / "loading").exists, timeout_seconds=60)
        family = family_of(server.pid)
        server.terminate()
        assert server.wait(timeout=30) == 0
        assert [pid for pid in family if family_of(pid)] == []
