"""Connections whose packets are dropped without a word, as by a firewall that forgot them."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

needs_iptables = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("iptables"), reason="needs root and iptables to drop packets"
)


@contextmanager
def dropping() -> Iterator[Callable[[int], None]]:
    """Yield a function that drops what this machine sends from or to one local port of a connection."""
    rules: list[list[str]] = []

    def drop_port(port: int) -> None:
        for side in ("--sport", "--dport"):
            rules.append(["INPUT", "-i", "lo", "-p", "tcp", side, str(port), "-j", "DROP"])
            subprocess.run(["iptables", "-w", "-A", *rules[-1]], check=True)

    try:
        yield drop_port
    finally:
        for rule in rules:
            subprocess.run(["iptables", "-w", "-D", *rule], check=True)
