"""What dies is restarted, and never silently."""

import signal
from collections.abc import Callable, Mapping

from stack.processes.stack import Stack
from stack.processes.supervisor import Supervisor, describe_end

MakeStack = Callable[[Mapping[str, str]], Stack]


def watch(
    stack: Stack, said: list[str], *, until: Callable[[], bool], pauses: tuple[float, ...] = (0.0,)
) -> None:
    stack.start_all()
    Supervisor(stack, say=said.append, pauses_seconds=pauses).watch(until=until)


def test_a_crashing_process_is_reported_with_its_last_words_and_restarted(make_stack: MakeStack) -> None:
    said: list[str] = []
    stack = make_stack({"till": "sh -c 'echo out of change; exit 3'", "shop": "sleep 1000"})
    watch(stack, said, until=lambda: sum("restarted (pid" in line for line in said) == 2)
    assert said[0].startswith("till ended with exit code 3, is restarted in 0.0 s")
    assert "out of change" in said[0]
    assert all(line.startswith("till") for line in said)


def test_the_pause_grows_from_death_to_death(make_stack: MakeStack) -> None:
    said: list[str] = []
    watch(make_stack({"till": "false"}), said, until=lambda: len(said) >= 7, pauses=(0.0, 0.01, 0.02))
    deaths = [line for line in said if "exit code 1" in line]
    assert [line.split("restarted in ")[1].split(" s;")[0] for line in deaths] == [
        "0.0",
        "0.01",
        "0.02",
        "0.02",
    ]


def test_how_a_process_ended_is_said_in_words() -> None:
    assert describe_end(0) == "ended with exit code 0"
    assert describe_end(-signal.SIGKILL) == "was killed by SIGKILL"
    assert describe_end(None) == "is gone"
