"""Processes by their Procfile names: started, signalled, stopped, found again."""

import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from stack.failure import CannotRun
from stack.processes import stack as stack_module
from stack.processes.pid_file import PidFile
from stack.processes.process_table import find_process
from stack.processes.stack import Stack, group_by_stop_order
from stack.waiting import wait_until

MakeStack = Callable[[Mapping[str, str]], Stack]
SLEEP = "sleep 1000"
DEAF = """sh -c 'trap "" TERM; echo relay started; while :; do sleep 1000; done'"""
PARENT = "sh -c 'sleep 1000 & sleep 1000 & echo ready.; wait'"


def is_alive(pid: int) -> bool:
    return find_process(pid) is not None


def test_the_pid_is_the_programs_own(make_stack: MakeStack) -> None:
    stack = make_stack({"shop": SLEEP})
    stack.start("shop")
    command_line = Path(f"/proc/{stack.pid('shop')}/cmdline")
    assert wait_until(lambda: command_line.read_text() == "sleep\0001000\0", timeout_seconds=30)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("moment", ["Popen", "write"])
def test_a_signal_while_a_process_begins_leaves_it_known(
    make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    owner: Any = {"Popen": subprocess, "write": PidFile}[moment]
    begin = getattr(owner, moment)

    def interrupted(*arguments: Any, **options: Any) -> Any:
        done = begin(*arguments, **options) if moment == "Popen" else None
        signal.raise_signal(signal.SIGINT)
        return done if moment == "Popen" else begin(*arguments, **options)

    stack = make_stack({"shop": SLEEP})
    monkeypatch.setattr(owner, moment, interrupted)
    with pytest.raises(KeyboardInterrupt):
        stack.start("shop")
    assert stack.pid("shop")


def test_a_process_is_ready_when_its_log_says_so(make_stack: MakeStack) -> None:
    stack = make_stack({"till-relay": "sh -c 'echo relay started; sleep 1000'"})
    stack.start("till-relay")
    stack.wait_ready("till-relay")
    assert stack.log("till-relay") == "relay started\n"


def test_a_process_that_ends_while_starting_shows_the_end_of_its_log(make_stack: MakeStack) -> None:
    stack = make_stack({"shop-worker": "sh -c 'echo no cushions left; exit 3'"})
    stack.start("shop-worker")
    with pytest.raises(CannotRun, match=r"shop-worker ended(.|\n)*no cushions left"):
        stack.wait_ready("shop-worker")


def test_the_log_of_an_earlier_run_makes_nothing_ready(
    make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = make_stack({"shop-worker": SLEEP})
    monkeypatch.setattr(stack_module, "READY_WITHIN_SECONDS", 0.3)
    stack["shop-worker"].log_file.write_text("ready.\n")
    stack.start("shop-worker")
    with pytest.raises(CannotRun, match="was not ready in time"):
        stack.wait_ready("shop-worker")


def test_kill_hits_the_main_process_alone_and_the_next_start_sweeps_up_its_children(
    make_stack: MakeStack,
) -> None:
    stack = make_stack({"shop-worker": PARENT})
    stack.start("shop-worker")
    stack.wait_ready("shop-worker")
    children = stack["shop-worker"].family()[1:]
    assert len(children) == 2
    stack.kill("shop-worker")
    assert stack.pid("shop-worker") is None
    assert all(map(is_alive, children))
    stack.start("shop-worker")
    stack.wait_ready("shop-worker")
    assert wait_until(lambda: not any(map(is_alive, children)), timeout_seconds=30)


def test_stop_ends_a_process_that_heeds_and_kills_one_that_does_not(
    make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = make_stack({"shop": SLEEP, "deaf-relay": DEAF})
    stack.start_all()
    stack.wait_all_ready()
    monkeypatch.setattr(stack_module, "STOPS_WITHIN_SECONDS", 2)
    assert stack.stop("shop") is True
    assert stack.stop("deaf-relay") is False
    assert [stack.pid(name) for name in stack.commands] == [None, None]


def test_stop_kills_also_what_has_begun_since_the_signal(
    make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a session of its own, as the processes of PostgreSQL are."""
    on_term = "setsid sleep 1000 & echo \\$!; wait"
    deaf = f"sh -c 'trap \"{on_term}\" TERM; echo relay started; while :; do sleep 0.1; done'"
    stack = make_stack({"deaf-relay": deaf})
    stack.start_all()
    stack.wait_all_ready()
    monkeypatch.setattr(stack_module, "STOPS_WITHIN_SECONDS", 2)
    assert stack.stop("deaf-relay") is False
    child = int(stack.log("deaf-relay").split()[-1])
    assert not is_alive(child)


def test_a_signal_reaches_the_program(make_stack: MakeStack) -> None:
    stack = make_stack(
        {"shop-relay": "sh -c 'trap \"echo rung\" USR1; echo relay started; while :; do sleep 0.1; done'"}
    )
    stack.start("shop-relay")
    stack.wait_ready("shop-relay")
    stack.signal("shop-relay", signal.SIGUSR1)
    assert wait_until(lambda: "rung" in stack.log("shop-relay"), timeout_seconds=30)


def test_a_later_command_finds_and_stops_what_an_earlier_one_left(make_stack: MakeStack) -> None:
    make_stack({"shop": SLEEP}).start("shop")
    later = make_stack({"shop": SLEEP})
    assert later.pid("shop")
    assert later.stop_all() == []
    assert later.pid("shop") is None


def test_a_pid_that_was_given_to_another_process_is_not_taken_for_ours(make_stack: MakeStack) -> None:
    stack = make_stack({"shop": SLEEP})
    pid_file = stack["shop"].pid_file.path
    pid_file.write_text("1 started-before-the-machine-did\n")
    assert stack.pid("shop") is None


def test_the_doors_close_first_and_what_the_work_needs_goes_last() -> None:
    names = ["fees", "shop-api", "shop-live", "shop-worker", "till-worker", "shop-relay", "flower"]
    assert group_by_stop_order(names) == [
        ["shop-api", "flower"],
        ["shop-relay"],
        ["shop-worker", "till-worker"],
        ["fees"],
        ["shop-live"],
    ]
