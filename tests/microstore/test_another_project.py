"""The README of microstore.messaging is a whole service, and runs where nothing else of ours is."""

from pathlib import Path

import pytest

from stack.waiting import wait_until
from tests.support.bakery import baked, bakery, order, run, running


@pytest.mark.timeout(240)
def test_another_project_sends_handles_dead_letters_and_replays_by_the_readme(tmp_path: Path) -> None:
    with bakery(tmp_path) as folder:
        send_handle_dead_letter_and_replay(folder)


def send_handle_dead_letter_and_replay(folder: Path) -> None:
    run(folder, "manage.py", "migrate", "--run-syncdb", "--verbosity", "0")
    order(folder, 2)
    order(folder, 13)
    with (
        running(folder, "manage.py", "relay"),
        running(folder, "-m", "celery", "-A", "bakery", "worker", "--concurrency", "1"),
    ):
        assert wait_until(lambda: baked(folder) == [2], timeout_seconds=60)
        listed = "manage.py", "dead_letters", "list"
        assert wait_until(lambda: "The oven holds twelve" in run(folder, *listed), timeout_seconds=60)
        oven = folder / "bakery/tasks.py"
        oven.write_text(oven.read_text().replace("12", "24"))
    replayed = run(
        folder, "manage.py", "dead_letters", "replay", "all", "--reason", "The oven is larger now."
    )
    assert "1 done" in replayed
    with (
        running(folder, "manage.py", "relay"),
        running(folder, "manage.py", "worker", "bakery"),
    ):
        assert wait_until(lambda: baked(folder) == [2, 13], timeout_seconds=60)
