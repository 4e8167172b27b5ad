"""Faults of a long run: processes die, servers restart, connections break."""

import os
import random
import signal
import time
from collections.abc import Callable

import redis

from microstore.contracts.registry import SERVICES
from stack.servers.server import Server
from tests.support.market import Market

Trouble = Callable[[Market], None]
DROP_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def kill_a_process(market: Market) -> None:
    """Some process is killed; its supervisor starts it again."""
    market.stack.signal(random.choice(list(market.stack.commands)), signal.SIGKILL)


def kill_a_child(market: Market) -> None:
    """A child of a worker is killed."""
    _, *children = market.stack[f"{random.choice(SERVICES)}-worker"].family() or [0]
    if children:
        os.kill(random.choice(children), signal.SIGKILL)


def stop_a_process(market: Market) -> None:
    """Some process is stopped by SIGTERM, and started again."""
    name = random.choice(list(market.stack.commands))
    market.stack.signal(name, signal.SIGTERM)


def restart_the_broker(market: Market) -> None:
    """RabbitMQ is restarted."""
    market.services.rabbitmq.restart()


def freeze_the_broker(market: Market) -> None:
    """RabbitMQ stands still for 15 s."""
    market.services.rabbitmq.freeze()
    try:
        time.sleep(15)  # the fault lasts for its time
    finally:
        market.services.rabbitmq.thaw()


def close_broker_connections(market: Market) -> None:
    """RabbitMQ closes all connections."""
    market.services.rabbitmq.ctl("close_all_connections", "maintenance")


def restart_a_database(market: Market) -> None:
    """The PostgreSQL of one service is restarted."""
    databases: list[Server] = [market.services.listings_db, market.services.transactions_db]
    random.choice(databases).restart()


def drop_database_connections(market: Market) -> None:
    """All connections to the PostgreSQL of one service are terminated."""
    random.choice([market.listings, market.transactions])(DROP_OTHERS)


def restart_redis(market: Market) -> None:
    """Redis is restarted."""
    market.services.redis.restart()


def flush_redis(market: Market) -> None:
    """Redis is flushed."""
    with redis.Redis.from_url(market.services.redis.url) as client:
        client.flushall()


OF_PROCESSES: list[Trouble] = [kill_a_process, kill_a_process, kill_a_child, stop_a_process]
OF_SERVERS: list[Trouble] = [
    *(restart_the_broker, freeze_the_broker, close_broker_connections),
    *(restart_a_database, drop_database_connections, restart_redis, flush_redis),
]
