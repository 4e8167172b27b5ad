"""The adapter of the peers' harness, which is not here."""

import re
import tomllib
from pathlib import Path

from benchmarks.peer_adapter import make_adapter


def test_each_process_of_the_adapter_has_the_addresses_that_its_command_reads(tmp_path: Path) -> None:
    adapter = tomllib.loads(make_adapter(tmp_path))
    assert adapter["proc"].keys() == set(adapter["phase"]["full"])
    commands = " ".join(process["cmd"][-1] for process in adapter["proc"].values())
    # Without a port there are no metrics; without a broker of its own remote control is on that of the tasks.
    assert set(re.findall(r"\$(\w+_(?:URL|PORT))\b", commands)) - adapter["env"].keys() == {
        *(f"{name}_METRICS_PORT" for name in ("LISTINGS_WORKER", "LISTINGS_RELAY", "TRANSACTIONS_WORKER")),
        *(f"{name}_CONTROL_BROKER_URL" for name in ("LISTINGS", "TRANSACTIONS")),
    }
