"""Name resolution with a time limit, and connections to the addresses that it finds."""

import socket
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError


def connect(
    connection: Any,
    connect_to_address: Callable[[], socket.socket],
    *,
    check: Callable[[list[str]], None] = lambda _: None,
) -> socket.socket:
    """Connect one of urllib3's connections within its timeout, the lookup of the name included.

    `check` gets the addresses that were found, one of which is connected to, and raises where it may not be.
    """
    name, timeout_seconds = connection._dns_host, connection.timeout
    deadline = time.monotonic() + timeout_seconds
    try:
        addresses = find_addresses(connection, seconds=timeout_seconds)
        check(addresses)
        for address in addresses:
            # `_new_conn` of urllib3 connects to `_dns_host`; Host, SNI and certificate go by the name.
            connection._dns_host = address
            connection.timeout = max(deadline - time.monotonic(), 0.001)
            try:
                return connect_to_address()
            except (ConnectTimeoutError, NewConnectionError) as error:
                failure = error
        raise failure
    finally:
        connection._dns_host, connection.timeout = name, timeout_seconds


def find_addresses(connection: Any, *, seconds: float) -> list[str]:
    """Return the addresses of the connection's host, in the resolver's order; raise urllib3's errors."""
    found: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(connection._dns_host, connection.port, type=socket.SOCK_STREAM)
            found.put([str(address[0]) for *_, address in entries])
        except (OSError, UnicodeError) as error:  # the latter of a part of the name that is too long
            found.put(error)

    # getaddrinfo has no time limit: where no name server responds it takes 10 s for each of them. The thread
    # lives as long. There are few, since the circuit breaker opens after three calls; none delays an exit.
    threading.Thread(target=look_up, name="name lookup", daemon=True).start()
    try:
        addresses = found.get(timeout=seconds)
    except Empty:
        reason = f"No name server has answered for {connection.host} within {seconds} s"
        raise ConnectTimeoutError(connection, reason) from None
    if isinstance(addresses, socket.gaierror):
        raise NameResolutionError(connection.host, connection, addresses) from addresses
    if isinstance(addresses, Exception):
        raise NewConnectionError(connection, str(addresses)) from addresses
    return addresses
