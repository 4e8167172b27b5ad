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
def dropping() -> Iterator[Callable[..., None]]:
    """Yield a function that drops the packets of a local port, or those between it and one peer.

    A client's port is soon another client's, or is one already to another server: its server's has to be
    the peer's.
    """
    rules: list[list[str]] = []

    def drop_port(port: int, *, peer: int | None = None) -> None:
        for side, other in (("--sport", "--dport"), ("--dport", "--sport")):
            of_peer = [] if peer is None else [other, str(peer)]
            rules.append(["INPUT", "-i", "lo", "-p", "tcp", side, str(port), *of_peer, "-j", "DROP"])
            subprocess.run(["iptables", "-w", "-A", *rules[-1]], check=True)

    try:
        yield drop_port
    finally:
        for rule in rules:
            subprocess.run(["iptables", "-w", "-D", *rule], check=True)
