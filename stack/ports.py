"""Choosing TCP ports on loopback."""

import random
import socket

# Below every usual ephemeral range: an outgoing connection cannot take the port while its server restarts.
PRIVATE_RANGE = range(20000, 32000)


def is_free(port: int) -> bool:
    """Return whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_ports(count: int) -> list[int]:
    """Return that many different free ports, at random so that parallel runs do not meet."""
    candidates = random.sample(PRIVATE_RANGE, k=len(PRIVATE_RANGE))
    free = (port for port in candidates if is_free(port))
    return [next(free) for _ in range(count)]
