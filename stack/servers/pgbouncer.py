"""A private PgBouncer in transaction mode before a private PostgreSQL, for tests and benchmarks."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

from stack.places import find_servers_user
from stack.servers.debian import find_pgbouncer
from stack.servers.postgresql import APP, ROLE, PostgreSQL
from stack.servers.server import Server

CONFIGURATION = """\
[databases]
{name} = host=127.0.0.1 port={database_port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
admin_users = {role}
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 2000
log_connections = 0
log_disconnections = 0
"""


class PgBouncer(Server):
    """Many clients on few connections of one database: each has one for as long as a transaction lasts."""

    def __init__(self, database: PostgreSQL, *, folder: Path, port: int, pool_size: int = 20) -> None:
        super().__init__(f"{database.name}-pgbouncer", folder=folder, port=port, password=database.password)
        self.database = database
        self.pool_size = pool_size

    @property
    def url(self) -> str:
        """The URL for the services' processes, without server-side cursors."""
        # A server-side cursor would outlive the transaction, and its connection is somebody else's then.
        return f"{self._url_of(APP, self.database.name)}?DISABLE_SERVER_SIDE_CURSORS=True"

    def user(self) -> str | None:
        return find_servers_user()

    def command(self) -> list[str]:
        return [str(find_pgbouncer()), str(self.folder / "pgbouncer.ini")]

    def prepare(self) -> None:
        """Write its configuration and the passwords of the roles."""
        configuration = CONFIGURATION.format(
            name=self.database.name,
            database_port=self.database.port,
            port=self.port,
            folder=self.folder,
            role=ROLE,
            pool_size=self.pool_size,
        )
        self._write("pgbouncer.ini", configuration)
        self._write("users.txt", "".join(f'"{role}" "{self.password}"\n' for role in (ROLE, APP)))

    def answers(self) -> bool:
        try:
            return bool(self.show("VERSION"))
        except psycopg2.OperationalError:
            return False

    def show(self, what: str) -> list[dict[str, Any]]:
        """Return the rows of SHOW POOLS, STATS, CLIENTS … (https://www.pgbouncer.org/usage.html)."""
        with closing(psycopg2.connect(self._url_of(ROLE, "pgbouncer"), connect_timeout=2)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"SHOW {what}")
                names = [column.name for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _url_of(self, role: str, database: str) -> str:
        return f"postgres://{role}:{self.password}@127.0.0.1:{self.port}/{database}"

    def _write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.touch(mode=0o600)
        if user := self.user():
            shutil.chown(file, user)
        file.write_text(text)
