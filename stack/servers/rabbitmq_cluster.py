"""Three RabbitMQ nodes, each on a host of its own, as one cluster."""

import json
import re
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from stack.failure import CannotRun
from stack.servers.hosts import Host
from stack.servers.private import BROKER_USERS
from stack.servers.rabbitmq import RabbitMQ
from stack.waiting import wait_until

PORT = 5672
PORTS = {"mapper": 4369, "distribution": 25672, "management": 15672, "prometheus": 15692}
CLUSTER = """\
cluster_formation.peer_discovery_backend = classic_config
cluster_partition_handling = pause_minority
net_ticktime = 10
queue_leader_locator = balanced
"""
TOGETHER_WITHIN_SECONDS = 60


class Node(RabbitMQ):
    """One of the nodes; its name is its address, so that no name has to be looked up."""

    distribution = ""

    def __init__(self, host: Host, *, folder: Path, password: str, members: Sequence[Host]) -> None:
        super().__init__(host.name, folder=folder / host.name, port=PORT, password=password)
        self.host = host
        self.address = host.address
        self.members = members
        self.cookie = password

    @property
    def inside(self) -> Sequence[str]:  # type: ignore[override]  # the host's holder is known once it is up
        return self.host.inside

    @property
    def node(self) -> str:
        return name_of(self.host)

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "RABBITMQ_USE_LONGNAME": "true"}

    def prepare(self) -> None:
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            cookie.touch(mode=0o600)
            cookie.write_text(self.cookie)
            cookie.chmod(0o400)
        super().prepare()
        with (self.folder / "rabbitmq.conf").open("a") as lines:
            lines.write(CLUSTER)
            for number, member in enumerate(self.members, 1):
                lines.write(f"cluster_formation.classic_config.nodes.{number} = {name_of(member)}\n")

    def _definitions(self) -> dict[str, Any]:
        """Without the queues: one that is declared before the others have joined stays on one node."""
        whole = super()._definitions()
        return {name: whole[name] for name in whole if name not in ("exchanges", "queues", "bindings")}

    def _choose_inner_ports(self) -> None:
        (self.folder / "ports.json").write_text(json.dumps(PORTS))


class RabbitMQCluster:
    """The nodes, and what a client has to know of them."""

    def __init__(self, hosts: Sequence[Host], *, folder: Path) -> None:
        self.password = secrets.token_hex(16)
        self.nodes = [Node(host, folder=folder, password=self.password, members=hosts) for host in hosts]

    def start(self) -> None:
        """Start the nodes that do not run, side by side."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(lambda node: node.start(), self.nodes))
        if not wait_until(self._are_together, timeout_seconds=TOGETHER_WITHIN_SECONDS):
            raise CannotRun("The RabbitMQ nodes do not find each other")

    def stop(self) -> None:
        """SIGKILL every node of the cluster."""
        for node in self.nodes:
            node.kill()

    def node_on(self, host: Host) -> Node:
        """Return the node of this host."""
        return next(node for node in self.nodes if node.host is host)

    def leader_of(self, queue: str) -> Node:
        """Return the node that takes and delivers the messages of a quorum queue."""
        name = self._describe(queue, "leader")
        return next(node for node in self.nodes if node.node == name)

    def members_of(self, queue: str) -> set[str]:
        """Return the names of the nodes that keep the messages of a quorum queue."""
        return set(re.findall(r"rabbit@[\d.]+", self._describe(queue, "members")))

    def _describe(self, queue: str, what: str) -> str:
        lines = self._running_node().ctl("list_queues", "name", what).splitlines()
        found = dict(line.split("\t", 1) for line in lines)
        return found[queue]

    def _running_node(self) -> Node:
        return next(node for node in self.nodes if node.running)

    def _are_together(self) -> bool:
        seen = self._running_node().ctl("eval", "rabbit_mnesia:cluster_nodes(running).")
        return all(node.node in seen for node in self.nodes)

    def environment(self) -> dict[str, str]:
        """Return the URLs under the names that the services read; each names all nodes."""
        users = {f"{user.upper()}_BROKER_URL": self.url_of(user) for user in BROKER_USERS}
        return {"BROKER_URL": self.url_of("microstore"), **users}

    def url_of(self, user: str) -> str:
        """Return the nodes' addresses for one user, by semicolons."""
        return ";".join(node.url_of(user) for node in self.nodes)


def name_of(host: Host) -> str:
    """Return the name of the node on this host."""
    return f"rabbit@{host.address}"
