"""Procfiles."""

import subprocess

import pytest

from stack.failure import CannotRun
from stack.modes import MODES, Mode
from stack.processes.procfile import parse_procfile, read_procfile


def test_every_line_is_a_process_in_its_order() -> None:
    text = "# sells\nshop: env A=1 sh -c 'exec sleep 1'\n\ntill-relay:  python till.py --at http://here:80\n"
    assert parse_procfile(text) == {
        "shop": "env A=1 sh -c 'exec sleep 1'",
        "till-relay": "python till.py --at http://here:80",
    }


@pytest.mark.parametrize("text", ["shop", "shop:", ": sleep 1", "two words: sleep 1", "shop: one\nshop: two"])
def test_a_line_that_is_no_new_process_is_refused_with_its_number(text: str) -> None:
    with pytest.raises(CannotRun, match=r"line [12]"):
        parse_procfile(text)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_every_command_of_ours_can_follow_exec_in_a_shell(mode: Mode) -> None:
    for command in read_procfile(mode.procfile).values():
        # An assignment in front would be taken for the program's name.
        assert "=" not in command.split()[0]
        subprocess.run(["sh", "-n", "-c", f"exec {command}"], check=True)
