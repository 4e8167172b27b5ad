"""CPU time of processes, their children and other programs."""

import os
import subprocess
import sys

from benchmarks.cpu import LOAD, TICKS_PER_SECOND, Meter, Stat, Usage, add_up, parse_machine, parse_stat
from stack.waiting import wait_until

# proc(5): parent is the second number after the state; utime stime cutime cstime are 100 20 3 4
LINE = "42 (celery) (main) S 7 42 42 0 -1 4194560 9 8 0 0 100 20 3 4 20 0 1 0 5 0 0"


def test_a_process_is_charged_for_itself_and_for_its_dead_children_whatever_its_name() -> None:
    assert parse_stat(LINE) == Stat(parent=7, ticks=127)


def test_the_machine_is_charged_for_programs_and_not_for_idling_or_interrupts() -> None:
    line = "cpu  100 20 3 9999 8888 777 666 55 0 0"
    assert parse_machine(line) == 123 / TICKS_PER_SECOND


def test_descendants_are_added_up_and_other_programs_are_not() -> None:
    second = TICKS_PER_SECOND
    stats = {
        10: Stat(parent=1, ticks=second),
        11: Stat(parent=10, ticks=2 * second),
        12: Stat(parent=11, ticks=4 * second),
        13: Stat(parent=1, ticks=8 * second),
    }
    assert add_up(stats, {"worker": [10], "both": [12, 13], "gone": [99]}) == {
        "worker": 7.0,
        "both": 12.0,
        "gone": 0.0,
    }


def test_the_load_generator_is_no_part_of_what_a_purchase_costs() -> None:
    usage = Usage(elapsed_seconds=10, seconds={"api": 2.0, "relay": 1.0, LOAD: 5.0}, foreign_cores=0)
    assert usage.milliseconds_per(1_000) == {"all": 3.0, "api": 2.0, "relay": 1.0}


def test_a_process_that_works_is_charged_and_one_started_meanwhile_from_its_start() -> None:
    roots: dict[str, list[int]] = {}
    meter = Meter(lambda: roots)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        roots["busy"] = [busy.pid]
        assert wait_until(lambda: meter.read().seconds["busy"] > 0.1, timeout_seconds=60)
        usage = meter.read()
        busy.kill()
    assert usage.seconds["busy"] <= usage.elapsed_seconds * len(os.sched_getaffinity(0)) + 1
    assert 0 <= usage.seconds[LOAD] < usage.seconds["busy"] + usage.elapsed_seconds
