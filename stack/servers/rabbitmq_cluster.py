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
from stack.servers.rabbitmq import BROKER_USERS, RabbitMQ
from stack.waiting import wait_until

PORT = 5672
PORTS = {"mapper": 4369, "distribution": 25672, "management": 15672, "prometheus": 15692}
DISCOVERY = "cluster_formation.peer_discovery_backend = classic_config\n"
CLUSTER = """\
cluster_partition_handling = pause_minority
net_ticktime = 10
queue_leader_locator = balanced
"""
RUNNING_NODES = "rabbit_mnesia:cluster_nodes(running)."
RESUMES_WITHIN_SECONDS, TOGETHER_WITHIN_SECONDS = 30, 60


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
        return [*self.host.inside, *self.host.clock]

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
            lines.write(DISCOVERY + CLUSTER)
            for number, member in enumerate(self.members, 1):
                lines.write(f"cluster_formation.classic_config.nodes.{number} = {name_of(member)}\n")

    def start_or_resume(self) -> None:
        """Start the node, and start it anew where it does not come back from its pause."""
        # After a split RabbitMQ does not always find itself again; an operator, or a probe, restarts it then.
        if self.running and not wait_until(self.answers, timeout_seconds=RESUMES_WITHIN_SECONDS):
            self.kill()
        self.start()

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
        """Start the nodes that do not run, side by side, and wait until each sees all."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(lambda node: node.start_or_resume(), self.nodes))
        if wait_until(lambda: not self._strangers(), timeout_seconds=RESUMES_WITHIN_SECONDS):
            return
        for node in self._strangers():
            node.kill()
            node.start()
        if not wait_until(lambda: not self._strangers(), timeout_seconds=TOGETHER_WITHIN_SECONDS):
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
        return next(node for node in self.nodes if node.answers())

    def _strangers(self) -> list[Node]:
        """Return the nodes that are not seen by the larger side."""
        views = [node.ctl("eval", RUNNING_NODES) for node in self.nodes if node.answers()]
        together = max(([node for node in self.nodes if node.node in seen] for seen in views), key=len)
        return [node for node in self.nodes if node not in together]

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
