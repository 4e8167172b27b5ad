"""What PostgreSQL and Redis can do to their clients."""

import time

import psycopg2
import pytest
import redis

from stack.servers.server import Server
from tests.support.market import Market
from tests.support.rush import rush

SERVICES = ["listings", "transactions"]


def database(market: Market, service: str) -> Server:
    """The service's PostgreSQL."""
    return market.services.listings_db if service == "listings" else market.services.transactions_db


def administer(market: Market, service: str, statement: str) -> None:
    """Run a statement, whatever the database is set to."""
    url = database(market, service).url
    connection = psycopg2.connect(url, options="-c default_transaction_read_only=off")
    try:
        connection.autocommit = True
        connection.cursor().execute(statement)
    finally:
        connection.close()


@pytest.mark.parametrize("service", SERVICES)
def test_a_restarted_database(market: Market, service: str) -> None:
    with rush(market, f"PostgreSQL of {service} restarted") as hour:
        database(market, service).restart()
        hour.wait_for_purchases(20)


@pytest.mark.parametrize("service", SERVICES)
def test_a_crashed_database(market: Market, service: str) -> None:
    with rush(market, f"PostgreSQL of {service} killed and started") as hour:
        database(market, service).kill()
        database(market, service).start()
        hour.wait_for_purchases(20)


@pytest.mark.parametrize("service", SERVICES)
def test_terminated_connections(market: Market, service: str) -> None:
    query = market.listings if service == "listings" else market.transactions
    with rush(market, f"all connections to PostgreSQL of {service} terminated, three times") as hour:
        for _ in range(3):
            query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            hour.wait_for_purchases(20)


@pytest.mark.parametrize("service", SERVICES)
def test_a_database_that_is_read_only_for_ten_seconds(market: Market, service: str) -> None:
    drop_others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with rush(market, f"PostgreSQL of {service} read-only for 10 s"):
        administer(market, service, f"ALTER DATABASE {service} SET default_transaction_read_only = on")
        administer(market, service, drop_others)
        time.sleep(10)  # the fault lasts for its time
        administer(market, service, f"ALTER DATABASE {service} RESET default_transaction_read_only")
        administer(market, service, drop_others)


def test_a_restarted_redis(market: Market) -> None:
    with rush(market, "Redis restarted, twice") as hour:
        for _ in range(2):
            market.services.redis.restart()
            hour.wait_for_purchases(20)


def test_a_flushed_redis(market: Market) -> None:
    with rush(market, "Redis flushed, its connections killed") as hour:
        client = redis.Redis.from_url(market.services.redis.url)
        client.flushall()
        client.client_kill_filter(_type="pubsub")
        client.client_kill_filter(_type="normal", skipme=True)
        client.close()
        hour.wait_for_purchases(20)
