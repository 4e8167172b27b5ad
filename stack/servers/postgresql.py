"""A private PostgreSQL cluster with one database."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import ClassVar

import psycopg2

from stack.failure import CannotRun
from stack.places import ROOT, find_servers_user
from stack.processes.daemon import run_as
from stack.servers.debian import find_postgresql_folders
from stack.servers.server import Server
from stack.servers.wheels import find_postgresql_version, find_postgresql_wheel

ROLE = "microstore"
APP, READER = f"{ROLE}_app", f"{ROLE}_reader"
NOTIFICATIONS, WEBHOOKS = f"{ROLE}_notifications", f"{ROLE}_webhooks"
ROLES = ROOT / "deploy/postgresql/roles.sql"
SYSTEM_LOCALE = ["--locale=C.UTF-8"]
# The same order and letters where the system has no locale of this name, as on macOS.
BUILTIN_LOCALE = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
HAS_BUILTIN_LOCALE = 17
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
}


class PostgreSQL(Server):
    """One cluster, role microstore; run as the user postgres where we are root, since it refuses root."""

    # Without it a killed server loses nothing, but a machine that dies corrupts the cluster: for tests alone.
    fsync = True
    # SIGINT is "fast shutdown": clients are disconnected, the data is flushed.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    @property
    def url(self) -> str:
        """The postgres:// URL of the database, for the owner of its tables."""
        return self.url_of(ROLE)

    def url_of(self, role: str) -> str:
        """Return the URL for another role; all roles have one password."""
        return f"postgres://{role}:{self.password}@127.0.0.1:{self.port}/{self.name}"

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self.folder / "data"

    def user(self) -> str | None:
        return find_servers_user()

    def program(self, name: str) -> str:
        """Return the path of a program of the PostgreSQL that made the cluster, or is to make it."""
        return str(self._find_programs()[1] / name)

    def command(self) -> list[str]:
        settings = {**SETTINGS, "port": str(self.port), "fsync": "on" if self.fsync else "off"}
        options = [f"--{key}={value}" for key, value in settings.items()]
        return [self.program("postgres"), "-D", str(self.data), *options]

    def prepare(self) -> None:
        """Create the cluster and the database once; clear the lock file of a server that is no more."""
        if self.data.exists():
            self._clear_stale_lock()
            return
        # Under another name until it is whole: who is killed here leaves nothing that looks like a cluster.
        draft = self.folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        try:
            self._give_to_user(draft)
            self._create_cluster(draft)
            self._create_database(draft)
            draft.rename(self.data)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def start(self) -> bool:
        """Start it, with the roles that a service's database has in production."""
        fresh = super().start()
        if fresh:
            make_roles(self.url, password=self.password, psql=self.program("psql"))
        return fresh

    def answers(self) -> bool:
        try:
            connection = psycopg2.connect(self.url, connect_timeout=2)
        except psycopg2.OperationalError:
            return False
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            answer = cursor.fetchone()
        connection.close()
        return bool(answer == (1,))

    def _find_programs(self) -> tuple[int, Path]:
        installed = {} if self.from_wheel else find_postgresql_folders()
        made_by = self.data / "PG_VERSION"
        version = int(made_by.read_text()) if made_by.exists() else next(iter(installed), None)
        if version in installed:
            return version, installed[version]
        if version in (None, wheel := find_postgresql_version()):
            return wheel, find_postgresql_wheel()
        raise CannotRun(f"{self.data} was made by PostgreSQL {version}: install it, or `make clean`")

    def _create_cluster(self, data: Path) -> None:
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        self._give_to_user(password_file)
        password_file.write_text(self.password)
        # Any user of this machine can reach a loopback port, so trust would be too little.
        options = ["--auth=scram-sha-256", f"--username={ROLE}", f"--pwfile={password_file}"]
        version, _ = self._find_programs()
        locale = BUILTIN_LOCALE if version >= HAS_BUILTIN_LOCALE else SYSTEM_LOCALE
        options += [] if self.fsync else ["--no-sync"]
        try:
            self._run("initdb", "-D", str(data), *options, "--encoding=UTF8", *locale)
        finally:
            password_file.unlink()

    def _create_database(self, data: Path) -> None:
        # Single-user mode: the database is there before a server is, so no client can come too early.
        statement = f'CREATE DATABASE "{self.name}" OWNER {ROLE};\n'
        self._run("postgres", "--single", "-D", str(data), "postgres", said=statement)

    def _run(self, program: str, *options: str, said: str = "") -> None:
        user = self.user()
        done = subprocess.run(
            [self.program(program), *options],
            input=said,
            text=True,
            cwd=self.folder,
            **run_as(user),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode or "ERROR" in done.stdout:
            raise CannotRun(f"{program} for {self.name} failed:\n{done.stdout}")

    def _give_to_user(self, path: Path) -> None:
        if user := self.user():
            shutil.chown(path, user)

    def _clear_stale_lock(self) -> None:
        lock = self.data / "postmaster.pid"
        if lock.exists() and not self._holds_data(int(lock.read_text().split()[0])):
            lock.unlink()

    def _holds_data(self, pid: int) -> bool:
        # A PostgreSQL server works in its data directory; after a machine restart the pid may be anybody's.
        try:
            return Path(f"/proc/{pid}/cwd").resolve(strict=True) == self.data.resolve()
        except OSError:
            return False


def make_roles(url: str, *, password: str, psql: str) -> None:
    """Run roles.sql, as its owner, in a service's database; all roles get one password."""
    passwords = {f"{role.upper()}_PASSWORD": password for role in (APP, READER, NOTIFICATIONS, WEBHOOKS)}
    done = subprocess.run(
        [psql, "--no-psqlrc", "--quiet", "--dbname", url, "--file", str(ROLES)],
        env={**os.environ, **passwords},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRun(f"{ROLES.name} failed:\n{done.stderr}")
