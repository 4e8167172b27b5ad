"""Socket options by which connections to servers detect that their packets are dropped.

By the kernel's defaults that takes a quarter of an hour. A firewall that forgot a connection, or a failover
without a reset, is found after ten seconds here, also while a process only waits for an answer.
"""

import socket
from typing import Any

CONNECT_SECONDS = 5
IDLE_SECONDS, PROBE_SECONDS, PROBES = 4, 2, 3  # 4 + 3 * 2: ten seconds of silence
UNACKNOWLEDGED_MILLISECONDS = 10_000

# https://www.postgresql.org/docs/current/libpq-connect.html
POSTGRESQL: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": IDLE_SECONDS,
    "keepalives_interval": PROBE_SECONDS,
    "keepalives_count": PROBES,
    "tcp_user_timeout": UNACKNOWLEDGED_MILLISECONDS,
}
# Options of TCP by number; those that a platform does not have are left out.
SOCKET: dict[int, int] = {
    getattr(socket, name): value
    for name, value in {
        "TCP_KEEPIDLE": IDLE_SECONDS,
        "TCP_KEEPINTVL": PROBE_SECONDS,
        "TCP_KEEPCNT": PROBES,
        "TCP_USER_TIMEOUT": UNACKNOWLEDGED_MILLISECONDS,
    }.items()
    if hasattr(socket, name)
}
REDIS: dict[str, Any] = {
    "socket_connect_timeout": CONNECT_SECONDS,
    "socket_keepalive": True,
    "socket_keepalive_options": SOCKET,
}
