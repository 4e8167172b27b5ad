"""PostgreSQL on two hosts, kept by Patroni: one writes, the other confirms each commit and takes over."""

import json
import secrets
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg2
import requests

from stack.failure import CannotRun
from stack.packages import install_packages
from stack.places import ROOT
from stack.servers.debian import find_postgresql_folders, install_programs
from stack.servers.etcd import Etcd, find_user, make_daemon, make_servers_folder, run_on
from stack.servers.hosts import Host
from stack.servers.postgresql import APP, NOTIFICATIONS, READER, ROLE, WEBHOOKS, make_roles
from stack.waiting import wait_until

PROGRAMS = {"patroni": "patroni"}  # Debian's, for what Patroni needs
REQUIREMENTS = ROOT / "requirements-machines.txt"
READY_WITHIN_SECONDS = 120
# A primary whose lease is not renewed for TTL seconds is replaced; Patroni wants LOOP + 2 RETRY within them.
LEASE = {"ttl": 20, "loop_wait": 2, "retry_timeout": 5}
PARAMETERS = {"max_connections": 200, "timezone": "UTC"}


class PatroniCluster:
    """The database of one service on two hosts; etcd is where they agree who writes."""

    def __init__(
        self, name: str, hosts: Sequence[Host], *, etcd: Etcd, folder: Path, port: int, patroni_port: int
    ) -> None:
        self.name = name
        self.hosts = hosts
        self.password = secrets.token_hex(16)
        self.daemons = {host.name: make_daemon("patroni", host, folder) for host in hosts}
        self._etcd = etcd
        self._folder = folder
        self._port = port
        self._patroni_port = patroni_port

    def start(self) -> None:
        """Start what does not run, and wait until one host writes and the other confirms."""
        install_programs(PROGRAMS)
        release = self._folder / "patroni"
        if not release.exists():
            install_packages(REQUIREMENTS, release)
        for host in self.hosts:
            command = ["env", f"PYTHONPATH={release}", "python3", "-m", "patroni", str(self._configure(host))]
            run_on(host, self.daemons[host.name], command, folder=self._folder)
        if not wait_until(self._is_whole, timeout_seconds=READY_WITHIN_SECONDS):
            logs = "\n".join(daemon.tail_log() for daemon in self.daemons.values())
            raise CannotRun(f"Patroni did not get a primary with a synchronous standby:\n{logs}")

    def make_database(self) -> None:
        """Create the service's database with its roles."""
        # On the standby it is there a moment later, and a client that meets that one first is refused.
        primary = self.primary()
        assert primary, "no host writes"
        connection = psycopg2.connect(self._url_of(ROLE, hosts=[primary], database="postgres"))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(f'CREATE DATABASE "{self.name}" OWNER {ROLE}')
        finally:
            connection.close()
        own = self._url_of(ROLE, hosts=[primary])
        make_roles(own, password=self.password, psql=str(_programs() / "psql"))

    def primary(self) -> Host | None:
        """Return the host that writes; None while there is none."""
        return next((host for host in self.hosts if self._is(host, "primary")), None)

    def environment(self) -> dict[str, str]:
        """Return the database's URLs under the names that the services read; each names both hosts."""
        name = self.name.upper()
        # Listeners have users of their own in the listings' database.
        users = {"NOTIFICATIONS": NOTIFICATIONS, "WEBHOOKS": WEBHOOKS} if name == "LISTINGS" else {}
        others = {f"{user}_DATABASE_URL": self._url_of(role) for user, role in users.items()}
        return {
            f"{name}_DATABASE_URL": self._url_of(ROLE),
            f"{name}_APP_DATABASE_URL": self._url_of(APP),
            f"{name}_READER_DATABASE_URL": self._url_of(READER),
            **others,
        }

    def _url_of(self, role: str, *, hosts: Sequence[Host] = (), database: str = "") -> str:
        addresses = ",".join(f"{host.address}:{self._port}" for host in hosts or self.hosts)
        place = f"{addresses}/{database or self.name}?target_session_attrs=read-write"
        return f"postgres://{role}:{self.password}@{place}"

    def pids(self) -> list[int | None]:
        """Return the managers, and the PostgreSQLs, which are nobody's children."""
        locks = [self._folder / f"data-{host.name}/postmaster.pid" for host in self.hosts]
        servers = [int(lock.read_text().split()[0]) for lock in locks if lock.exists()]
        return [*(daemon.pid for daemon in self.daemons.values()), *servers]

    def _is_whole(self) -> bool:
        return bool(self.primary()) and any(self._is(host, "synchronous") for host in self.hosts)

    def _is(self, host: Host, role: str) -> bool:
        try:
            return requests.get(f"http://{host.address}:{self._patroni_port}/{role}", timeout=2).ok
        except requests.RequestException:
            return False

    def _configure(self, host: Host) -> Path:
        rest = f"{host.address}:{self._patroni_port}"
        parameters = {**PARAMETERS, "unix_socket_directories": ""}
        configuration: dict[str, Any] = {
            "scope": self.name,
            "name": host.name,
            "restapi": {"listen": rest, "connect_address": rest},
            "etcd3": {"hosts": self._etcd.addresses},
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
        file = make_servers_folder(self._folder / f"patroni-{host.name}") / "patroni.json"
        file.touch(mode=0o600)
        shutil.chown(file, find_user())
        file.write_text(json.dumps(configuration))
        return file

    def _describe_postgresql(self, host: Host) -> dict[str, Any]:
        address = f"{host.address}:{self._port}"
        users = {"superuser": ROLE, "replication": "replicator"}
        return {
            "listen": address,
            "connect_address": address,
            "data_dir": str(make_servers_folder(self._folder / f"data-{host.name}")),
            "bin_dir": str(self._programs_of(host)),
            "pgpass": str(make_servers_folder(self._folder / f"patroni-{host.name}") / "pgpass"),
            "authentication": {
                kind: {"username": user, "password": self.password} for kind, user in users.items()
            },
            "pg_hba": [f"host {database} all all scram-sha-256" for database in ("all", "replication")],
        }

    def _programs_of(self, host: Host) -> Path:
        if not host.clock:
            return _programs()
        # PostgreSQL alone: Python's time.sleep fails under the library that changes the time.
        folder = make_servers_folder(self._folder / f"programs-{host.name}")
        for program in _programs().iterdir():
            script = folder / program.name
            script.write_text(f'#!/bin/sh\nexec {shlex.join([*host.clock, str(program)])} "$@"\n')
            script.chmod(0o755)
        return folder


def _programs() -> Path:
    folder = next(iter(find_postgresql_folders().values()), None)
    if not folder:
        raise CannotRun("PostgreSQL is not installed")
    return folder
