"""A private RabbitMQ node with an Erlang port mapper of its own."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import amqp

from stack.failure import CannotRun
from stack.places import ROOT, write_private
from stack.ports import choose_ports, is_free
from stack.processes.daemon import Daemon
from stack.servers.rabbitmq_release import find_rabbitmq_release
from stack.servers.server import Server
from stack.waiting import wait_until

USER = "microstore"
DEFINITIONS = ROOT / "deploy/rabbitmq/definitions.json"
TOPOLOGY = ROOT / "deploy/rabbitmq/topology.json"
TAGS = {USER: ["administrator"], "flower": ["monitoring"]}
RIGHTS: dict[str, Any] = json.loads(DEFINITIONS.read_text())
BROKER_USERS = [right["user"] for right in RIGHTS["permissions"] if right["user"] != USER]
PLUGINS = ROOT / "deploy/rabbitmq/enabled_plugins"
CONFIGURATION = """\
listeners.tcp.1 = {address}:{port}
load_definitions = {definitions}
log.console = true
log.console.level = info
log.file = false
"""
MANAGEMENT = """\
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {prometheus}
"""
# Without these an idle node keeps a core warm, and the tests run several nodes on two cores.
NO_BUSY_WAITING = "+sbwt none +sbwtdcpu none +sbwtdio none"
LOOPBACK_ALONE = "-kernel inet_dist_use_interface {127,0,0,1}"
LOOPBACK = "127.0.0.1"


class RabbitMQ(Server):
    """One node with all its files in its folder, its port mapper and its cookie too, so that many can run."""

    with_management = False
    address: str = LOOPBACK
    distribution = LOOPBACK_ALONE
    inside: Sequence[str] = ()  # words before a command that is to run on another host

    def __init__(self, name: str, *, folder: Path, port: int, password: str) -> None:
        super().__init__(name, folder=folder, port=port, password=password)
        self.mapper = Daemon(pid_file=folder / "epmd.pid", log_file=folder / "epmd.log")

    @property
    def url(self) -> str:
        """An amqp:// URL of the virtual host /."""
        return self.url_of(USER)

    def url_of(self, user: str) -> str:
        """Return the URL for one of the users of deploy/rabbitmq/definitions.json, who have fewer rights."""
        return f"amqp://{user}:{self.password}@{self.address}:{self.port}//"

    @property
    def management_url(self) -> str:
        """The URL of the management API, which takes a third of the start and five seconds of the stop."""
        return f"http://{USER}:{self.password}@127.0.0.1:{self._inner_ports()['management']}/api/"

    @property
    def node(self) -> str:
        """The node's name; it names the data too, so it depends on the folder and not on a port."""
        return f"microstore-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]}@localhost"

    def environment(self) -> dict[str, str]:
        """Return the variables that separate this node and its tools from other nodes of the machine."""
        inner = self._inner_ports()
        own = {
            "HOME": self.folder,
            "ERL_EPMD_ADDRESS": self.address,
            "ERL_EPMD_PORT": inner["mapper"],
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_IP_ADDRESS": self.address,
            "RABBITMQ_NODE_PORT": self.port,
            "RABBITMQ_DIST_PORT": inner["distribution"],
            "RABBITMQ_MNESIA_BASE": self.folder / "data",
            "RABBITMQ_LOG_BASE": self.folder,
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": self.folder / "rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": self.folder / "enabled_plugins",
            "RABBITMQ_GENERATED_CONFIG_DIR": self.folder / "generated",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{NO_BUSY_WAITING} {self.distribution}",
        }
        foreign = [name for name in os.environ if name.startswith(("RABBITMQ_", "ERL_"))]
        inherited = {name: value for name, value in os.environ.items() if name not in foreign}
        return inherited | {name: str(value) for name, value in own.items()}

    def command(self) -> list[str]:
        return self._command("rabbitmq-server")

    def prepare(self) -> None:
        """Choose its inner ports, write its configuration, start its port mapper."""
        # One that an earlier node left would hold the port and the node's name.
        self.mapper.kill()
        self._choose_inner_ports()
        definitions = self.folder / "definitions.json"
        write_private(definitions, json.dumps(self._definitions()))
        management = MANAGEMENT.format(**self._inner_ports()) if self.with_management else ""
        settings = CONFIGURATION.format(address=self.address, port=self.port, definitions=definitions)
        write_private(self.folder / "rabbitmq.conf", settings + management)
        plugins = PLUGINS.read_text() if self.with_management else "[].\n"
        (self.folder / "enabled_plugins").write_text(plugins)
        # Left to itself Erlang starts one that outlives the node and belongs to nobody.
        self.mapper.start(self._command("epmd"), environment=self.environment(), folder=self.folder)
        wait_until(self._has_mapper, timeout_seconds=10)

    def _has_mapper(self) -> bool:
        return not subprocess.run(
            self._command("epmd", "-names"), env=self.environment(), capture_output=True, check=False
        ).returncode

    def answers(self) -> bool:
        connection = amqp.Connection(
            f"{self.address}:{self.port}",
            userid=USER,
            password=self.password,
            connect_timeout=2,
            read_timeout=2,
        )
        try:
            connection.connect()
            connection.close()
        except (amqp.AMQPError, OSError):
            connection.collect()
            return False
        return True

    def stop(self) -> None:
        """End the node cleanly, then its port mapper."""
        super().stop()
        self.mapper.kill()

    def kill(self) -> None:
        """SIGKILL the node and its port mapper."""
        super().kill()
        self.mapper.kill()

    def survives_a_kill(self, queue: str) -> bool:
        """Return whether a quorum queue is on disk; RabbitMQ 3.10 leaves one without a leader that is not."""
        names = self.folder / "data" / self.node / "quorum" / self.node / "names.dets"
        return queue.encode() in names.read_bytes()

    def wipe(self) -> None:
        """Delete all queues and messages, and start empty on the same port."""
        self.kill()
        shutil.rmtree(self.folder / "data")
        self.start()

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl against this node and return what it prints."""
        done = subprocess.run(
            self._command("rabbitmqctl", "--quiet", *arguments),
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotRun(f"rabbitmqctl {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _command(self, program: str, *arguments: str) -> list[str]:
        release = find_rabbitmq_release()
        path = program if program == "epmd" else str(release.programs / program)
        return [*self.inside, *release.enter(self.folder), path, *arguments]

    def _definitions(self) -> dict[str, Any]:
        """Rights and queues as in containers, and the users with this node's password."""
        queues: dict[str, Any] = json.loads(TOPOLOGY.read_text())
        users = [
            {"name": right["user"], "password": self.password, "tags": TAGS.get(right["user"], [])}
            for right in RIGHTS["permissions"]
        ]
        return {"users": users, **RIGHTS, **queues}

    def _choose_inner_ports(self) -> None:
        inner = self._inner_ports() if (self.folder / "ports.json").exists() else {}
        names = ("mapper", "distribution", "management", "prometheus")
        if sorted(inner) != sorted(names) or not all(is_free(port) for port in inner.values()):
            inner = dict(zip(names, choose_ports(len(names)), strict=True))
            write_private(self.folder / "ports.json", json.dumps(inner))

    def _inner_ports(self) -> dict[str, int]:
        ports: dict[str, int] = json.loads((self.folder / "ports.json").read_text())
        return ports
