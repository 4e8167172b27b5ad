"""PostgreSQL on two hosts, kept by Patroni: one writes, the other confirms each commit and takes over."""

import json
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg2
import requests

from stack.failure import CannotRun
from stack.places import find_servers_user
from stack.processes.daemon import Daemon
from stack.servers.debian import find_postgresql_folders, install_programs
from stack.servers.hosts import Host
from stack.servers.postgresql import APP, NOTIFICATIONS, READER, ROLE, make_roles
from stack.waiting import wait_until

PROGRAMS = {"etcd": "etcd-server", "patroni": "patroni"}
POSTGRESQL_PORT, PATRONI_PORT, ETCD_PORT, ETCD_PEER_PORT = 5432, 8008, 2379, 2380
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
READY_WITHIN_SECONDS = 120
# A primary whose lease is not renewed for TTL seconds is replaced; Patroni wants LOOP + 2 RETRY within them.
LEASE = {"ttl": 20, "loop_wait": 2, "retry_timeout": 5}


class PatroniCluster:
    """One database of a service on the first two hosts, and etcd, by which they agree who writes, on all."""

    def __init__(self, name: str, hosts: Sequence[Host], *, folder: Path) -> None:
        self.name = name
        self.hosts = hosts
        self.folder = folder
        self.password = secrets.token_hex(16)
        self._daemons = {
            (program, host.name): Daemon(
                pid_file=folder / f"{program}-{host.name}.pid", log_file=folder / f"{program}-{host.name}.log"
            )
            for host in hosts
            for program in PROGRAMS
        }

    def start(self) -> None:
        """Start what does not run, and wait until one host writes and the other confirms."""
        install_programs(PROGRAMS)
        for host in self.hosts:
            self.start_on(host)
        if not wait_until(self._is_whole, timeout_seconds=READY_WITHIN_SECONDS):
            logs = "\n".join(daemon.tail_log() for daemon in self._daemons.values())
            raise CannotRun(f"Patroni did not get a primary with a synchronous standby:\n{logs}")

    def start_on(self, host: Host) -> None:
        """Start what belongs on this host and does not run there."""
        self._run("etcd", host, self._etcd_command(host))
        if host in self.databases:
            self._run("patroni", host, ["patroni", str(self._configure(host))])

    def make_database(self) -> None:
        """Create the service's database with its roles."""
        # On the standby it is there a moment later, and a client that meets that one first is refused.
        primary = self.primary()
        assert primary, "no host writes"
        connection = psycopg2.connect(_url_of([primary], ROLE, self.password, "postgres"))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {self.name} OWNER {ROLE}")
        finally:
            connection.close()
        own = _url_of([primary], ROLE, self.password, self.name)
        make_roles(own, password=self.password, psql=str(_programs() / "psql"))

    def primary(self) -> Host | None:
        """Return the host that writes; None while there is none."""
        return next((host for host in self.databases if self._is(host, "primary")), None)

    def environment(self) -> dict[str, str]:
        """Return the database's URLs under the names that the services read; each names both hosts."""
        name = self.name.upper()
        return {
            f"{name}_DATABASE_URL": self._url_of(APP),
            f"{name}_OWNER_DATABASE_URL": self._url_of(ROLE),
            f"{name}_READER_DATABASE_URL": self._url_of(READER),
            "NOTIFICATIONS_DATABASE_URL": self._url_of(NOTIFICATIONS),
        }

    @property
    def databases(self) -> Sequence[Host]:
        """The hosts with a PostgreSQL."""
        return self.hosts[:2]

    def _url_of(self, role: str) -> str:
        return _url_of(self.databases, role, self.password, self.name)

    def _is_whole(self) -> bool:
        return bool(self.primary()) and any(self._is(host, "synchronous") for host in self.databases)

    def _is(self, host: Host, role: str) -> bool:
        try:
            return requests.get(f"http://{host.address}:{PATRONI_PORT}/{role}", timeout=2).ok
        except requests.RequestException:
            return False

    def _run(self, program: str, host: Host, command: Sequence[str]) -> None:
        daemon = self._daemons[program, host.name]
        if daemon.pid is None:
            # nsenter needs root, which PostgreSQL refuses.
            drop = ["setpriv", f"--reuid={_user()}", f"--regid={_user()}", "--clear-groups"]
            daemon.start([*host.inside, *drop, *command], environment=ENVIRONMENT, folder=self.folder)

    def _etcd_command(self, host: Host) -> list[str]:
        members = ",".join(f"{each.name}=http://{each.address}:{ETCD_PEER_PORT}" for each in self.hosts)
        clients, peers = (f"http://{host.address}:{port}" for port in (ETCD_PORT, ETCD_PEER_PORT))
        options = {
            "name": host.name,
            "data-dir": self._make_folder(f"etcd-{host.name}"),
            "listen-client-urls": clients,
            "advertise-client-urls": clients,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": members,
        }
        return ["etcd", *(f"--{name}={value}" for name, value in options.items())]

    def _configure(self, host: Host) -> Path:
        rest = f"{host.address}:{PATRONI_PORT}"
        parameters = {"max_connections": 200, "timezone": "UTC", "unix_socket_directories": ""}
        configuration: dict[str, Any] = {
            "scope": self.name,
            "name": host.name,
            "restapi": {"listen": rest, "connect_address": rest},
            "etcd3": {"hosts": [f"{each.address}:{ETCD_PORT}" for each in self.hosts]},
            "bootstrap": {
                "dcs": {
                    **LEASE,
                    # Only who has confirmed every commit may take over.
                    "synchronous_mode": True,
                    "postgresql": {"use_pg_rewind": True, "parameters": parameters},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            },
            "postgresql": self._describe_postgresql(host),
        }
        file = self._make_folder(f"patroni-{host.name}") / "patroni.json"
        file.touch(mode=0o600)
        shutil.chown(file, _user())
        file.write_text(json.dumps(configuration))
        return file

    def _describe_postgresql(self, host: Host) -> dict[str, Any]:
        address = f"{host.address}:{POSTGRESQL_PORT}"
        users = {"superuser": ROLE, "replication": "replicator"}
        return {
            "listen": address,
            "connect_address": address,
            "data_dir": str(self._make_folder(f"data-{host.name}")),
            "bin_dir": str(_programs()),
            "pgpass": str(self._make_folder(f"patroni-{host.name}") / "pgpass"),
            "authentication": {
                kind: {"username": user, "password": self.password} for kind, user in users.items()
            },
            "pg_hba": [f"host {database} all all scram-sha-256" for database in ("all", "replication")],
        }

    def _make_folder(self, name: str) -> Path:
        folder = self.folder / name
        if not folder.exists():
            folder.mkdir(mode=0o700)
            shutil.chown(folder, _user())
        return folder


def _programs() -> Path:
    folder = next(iter(find_postgresql_folders().values()), None)
    if not folder:
        raise CannotRun("PostgreSQL is not installed")
    return folder


def _url_of(hosts: Sequence[Host], role: str, password: str, database: str) -> str:
    addresses = ",".join(f"{host.address}:{POSTGRESQL_PORT}" for host in hosts)
    return f"postgres://{role}:{password}@{addresses}/{database}?target_session_attrs=read-write"


def _user() -> str:
    user = find_servers_user()
    assert user, "only root makes hosts"
    return user
