"""Three machines with the servers of production: RabbitMQ on each, PostgreSQL on two, etcd to agree by."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.places import make_throw_away_folder
from stack.processes.interruption import uninterrupted
from stack.servers.hosts import Host, Lan, lan_of
from stack.servers.patroni import PatroniCluster
from stack.servers.rabbitmq_cluster import PORT, PORTS, RabbitMQCluster

NAMES = ["machine1", "machine2", "machine3"]


@dataclass
class Machines:
    """The hosts, and what runs on them."""

    lan: Lan
    broker: RabbitMQCluster
    database: PatroniCluster

    def start(self) -> None:
        """Start what does not run, side by side, and wait until each cluster is whole."""
        with ThreadPoolExecutor(2) as pool:
            for started in [pool.submit(cluster.start) for cluster in (self.broker, self.database)]:
                started.result()

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

    def repair(self) -> None:
        """Connect all machines again, and start what is down."""
        self.lan.mend()
        self.start()


@contextmanager
def three_machines() -> Iterator[Machines]:
    """Yield the machines with their servers running, and leave nothing of them."""
    folder = make_throw_away_folder()
    try:
        with lan_of(folder, NAMES) as lan:
            machines = Machines(lan, *_clusters(lan, folder))
            machines.start()
            machines.database.make_database()
            yield machines
    finally:
        with uninterrupted():
            shutil.rmtree(folder, ignore_errors=True)


def _clusters(lan: Lan, folder: Path) -> tuple[RabbitMQCluster, PatroniCluster]:
    brokers, databases = folder / "rabbitmq", folder / "postgresql"
    for each in (brokers, databases):
        each.mkdir(mode=0o711)
    return RabbitMQCluster(lan.hosts, folder=brokers), PatroniCluster("listings", lan.hosts, folder=databases)
