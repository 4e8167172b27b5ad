"""A private PostgreSQL cluster with one database."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import ClassVar

import psycopg2

from stack.debian import find_postgresql_folder
from stack.failure import CannotRun
from stack.places import ROOT
from stack.server import Server

ROLE = "microstore"
APP, READER = f"{ROLE}_app", f"{ROLE}_reader"
ROLES = ROOT / "deploy/postgresql/roles.sql"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
}


class PostgreSQL(Server):
    """One cluster, role microstore; run as the user postgres where we are root, since it refuses root."""

    # SIGINT is "fast shutdown": clients are disconnected, the data is flushed.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    @property
    def url(self) -> str:
        """A postgres:// URL of the database, which has the server's name, for the owner of its tables."""
        return self.url_of(ROLE)

    def url_of(self, role: str) -> str:
        """The same for another role; all have one password."""
        return f"postgres://{role}:{self.password}@127.0.0.1:{self.port}/{self.name}"

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self.folder / "data"

    def user(self) -> str | None:
        """PostgreSQL refuses to run as root."""
        return "postgres" if os.geteuid() == 0 else None

    def command(self) -> list[str]:
        """postgres in the foreground."""
        settings = {**SETTINGS, "port": str(self.port)}
        program = find_postgresql_folder() / "postgres"
        return [str(program), "-D", str(self.data), *(f"--{key}={value}" for key, value in settings.items())]

    def prepare(self) -> None:
        """Create the cluster and the database once; clear the lock file of a server that is no more."""
        if (self.data / "PG_VERSION").exists():
            self._clear_stale_lock()
            return
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        self._give_to_user(self.data)
        self._create_cluster()
        self._create_database()

    def start(self) -> bool:
        """With the roles of a service's database, as they are in production."""
        fresh = super().start()
        if fresh:
            self._make_roles()
        return fresh

    def answers(self) -> bool:
        """SELECT 1."""
        try:
            connection = psycopg2.connect(self.url, connect_timeout=2)
        except psycopg2.OperationalError:
            return False
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            answer = cursor.fetchone()
        connection.close()
        return bool(answer == (1,))

    def _create_cluster(self) -> None:
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        self._give_to_user(password_file)
        password_file.write_text(self.password)
        # Any user of this machine can reach a loopback port, so trust would be too little.
        options = ["--auth=scram-sha-256", f"--username={ROLE}", f"--pwfile={password_file}"]
        self._run("initdb", "-D", str(self.data), *options, "--encoding=UTF8", "--locale=C.UTF-8")
        password_file.unlink()

    def _create_database(self) -> None:
        # Single-user mode: the database is there before a server is, so no client can come too early.
        statement = f"CREATE DATABASE {self.name} OWNER {ROLE};\n"
        self._run("postgres", "--single", "-D", str(self.data), "postgres", said=statement)

    def _make_roles(self) -> None:
        passwords = {f"{role.upper()}_PASSWORD": self.password for role in (APP, READER)}
        program = str(find_postgresql_folder() / "psql")
        done = subprocess.run(
            [program, "--no-psqlrc", "--quiet", "--dbname", self.url, "--file", str(ROLES)],
            env={**os.environ, **passwords},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotRun(f"{ROLES.name} for {self.name} failed:\n{done.stderr}")

    def _run(self, program: str, *options: str, said: str = "") -> None:
        user = self.user()
        done = subprocess.run(
            [str(find_postgresql_folder() / program), *options],
            input=said,
            text=True,
            cwd=self.folder,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode or "ERROR" in done.stdout:
            shutil.rmtree(self.data, ignore_errors=True)
            raise CannotRun(f"{program} for {self.name} failed:\n{done.stdout}")

    def _give_to_user(self, path: Path) -> None:
        if user := self.user():
            shutil.chown(path, user, user)

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
