"""Three machines with the servers of production: RabbitMQ on each, each database on two, etcd to agree by."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.places import make_throw_away_folder
from stack.processes.interruption import uninterrupted
from stack.servers.etcd import Etcd
from stack.servers.hosts import Host, Lan, lan_of
from stack.servers.patroni import PatroniCluster
from stack.servers.rabbitmq_cluster import PORT, PORTS, RabbitMQCluster
from stack.servers.redis import Redis

NAMES = ["machine1", "machine2", "machine3"]
SPARE = "machine4"
REDIS_PORT = 6379


@dataclass
class Machines:
    """The hosts, and what runs on them; the spare one has no server."""

    lan: Lan
    etcd: Etcd
    broker: RabbitMQCluster
    listings: PatroniCluster
    transactions: PatroniCluster
    redis: Redis

    def start(self) -> None:
        """Connect all machines, start what does not run, and wait until each cluster is whole."""
        self.lan.mend()
        self.etcd.start()
        starts = (self.broker.start, self.listings.start, self.transactions.start, self.redis.start)
        with ThreadPoolExecutor(len(starts)) as pool:
            for started in [pool.submit(start) for start in starts]:
                started.result()

    def environment(self) -> dict[str, str]:
        """Return the URLs under the names that a set of single servers gives them."""
        clusters = (self.broker, self.listings, self.transactions)
        urls = {name: url for cluster in clusters for name, url in cluster.environment().items()}
        return {**urls, "CHANNEL_LAYER_URL": self.redis.url}

    def pids(self) -> dict[str, list[int]]:
        """Return the processes of the servers of each kind, whose descendants belong to it too."""
        found: dict[str, Sequence[int | None]] = {
            "etcd": [daemon.pid for daemon in self.etcd.daemons.values()],
            "rabbitmq": [node.daemon.pid for node in self.broker.nodes],
            "listings-db": self.listings.pids(),
            "transactions-db": self.transactions.pids(),
            "redis": [self.redis.daemon.pid],
        }
        return {name: [pid for pid in pids if pid] for name, pids in found.items()}

    @property
    def spare(self) -> Host:
        """The machine without servers."""
        return self.lan.hosts[-1]

    def others(self, host: Host) -> list[Host]:
        """Return the machines but this one."""
        return [other for other in self.lan.hosts if other is not host]

    def isolate(self, host: Host) -> None:
        """Cut a machine from the others and from all clients."""
        for address in (self.lan.gateway, *(other.address for other in self.others(host))):
            host.cut_from(address)

    def split_off(self, host: Host) -> None:
        """Cut a machine from the others; clients reach all of them."""
        for other in self.others(host):
            host.cut_from(other.address)

    def split_off_broker_with_clients(self, host: Host) -> None:
        """Cut the broker's node of a machine from the others, and all clients from those."""
        for other in self.others(host):
            host.cut_from(other.address, port=PORTS["distribution"])
            other.cut_from(self.lan.gateway, port=PORT)


@contextmanager
def three_machines() -> Iterator[Machines]:
    """Yield the machines with their servers running, and a spare one; leave nothing of them."""
    folder = make_throw_away_folder()
    try:
        with lan_of(folder, [*NAMES, SPARE]) as lan:
            machines = _place(lan, folder)
            machines.start()
            machines.listings.make_database()
            machines.transactions.make_database()
            yield machines
    finally:
        with uninterrupted():
            shutil.rmtree(folder, ignore_errors=True)


def _place(lan: Lan, folder: Path) -> Machines:
    hosts = lan.hosts[: len(NAMES)]
    folders = [folder / name for name in ("etcd", "rabbitmq", "listings", "transactions", "redis")]
    for each in folders:
        each.mkdir(mode=0o711)
    agreed, messages, listings, transactions, hints = folders
    etcd = Etcd(hosts, folder=agreed)
    broker = RabbitMQCluster(hosts, folder=messages)
    return Machines(
        lan=lan,
        etcd=etcd,
        broker=broker,
        listings=_database("listings", hosts[:2], etcd, listings, number=0),
        transactions=_database("transactions", hosts[1:], etcd, transactions, number=1),
        redis=_redis(hosts[-1], hints, broker.password),
    )


def _database(name: str, hosts: Sequence[Host], etcd: Etcd, folder: Path, *, number: int) -> PatroniCluster:
    ports = {"port": 5432 + number, "patroni_port": 8008 + number}
    return PatroniCluster(name, hosts, etcd=etcd, folder=folder, **ports)


def _redis(host: Host, folder: Path, password: str) -> Redis:
    server = Redis("redis", folder=folder, port=REDIS_PORT, password=password)
    server.address, server.inside = host.address, host.inside
    return server
