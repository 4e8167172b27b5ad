"""What a client has locked is free again soon after its machine is gone without a word."""

import socket
from contextlib import ExitStack

import psycopg2
import pytest

from stack.servers.postgresql import APP, NOTIFICATIONS, READER
from stack.servers.private import RealServers
from tests.stack.test_servers import run_sql
from tests.support.dropping import dropping, needs_iptables

ROLES = {APP: 1, NOTIFICATIONS: 2, READER: 3}


@needs_iptables
@pytest.mark.timeout(90)
def test_locks_of_a_client_that_is_gone_are_free_again(services: RealServers) -> None:
    """By its defaults PostgreSQL would wait for two hours."""
    database = services.listings_db
    with ExitStack() as ending:
        drop = ending.enter_context(dropping())
        for role, lock in ROLES.items():
            client = psycopg2.connect(database.url_of(role))
            client.cursor().execute("SELECT pg_advisory_xact_lock(%s)", [lock])
            with socket.socket(fileno=client.fileno()) as opened:
                drop(opened.getsockname()[1], peer=database.port)
                opened.detach()
            ending.callback(client.close)
        for lock in ROLES.values():
            run_sql(database.url, f"SET lock_timeout = '40s'; SELECT pg_advisory_xact_lock({lock})")
