"""A private Redis, or the compatible Valkey of a wheel."""

from collections.abc import Sequence

import redis

from stack.places import write_private
from stack.servers.debian import find_redis_program
from stack.servers.server import Server
from stack.servers.wheels import find_valkey_wheel

CONFIGURATION = """\
bind {address}
port {port}
requirepass {password}
dir "{folder}"
save ""
appendonly no
"""


class Redis(Server):
    """A Redis that keeps nothing on disk: what it holds may be lost."""

    address: str = "127.0.0.1"
    inside: Sequence[str] = ()  # words before a command that is to run on another host

    @property
    def url(self) -> str:
        """A redis:// URL of database 0."""
        return self.database_url(0)

    def database_url(self, number: int) -> str:
        """A redis:// URL of one of its databases."""
        return f"redis://:{self.password}@{self.address}:{self.port}/{number}"

    def command(self) -> list[str]:
        installed = None if self.from_wheel else find_redis_program()
        return [*self.inside, str(installed or find_valkey_wheel()), str(self.folder / "redis.conf")]

    def prepare(self) -> None:
        """Write its configuration, readable by us alone since it holds the password."""
        # A quoted value may hold spaces.
        folder = str(self.folder).replace("\\", r"\\").replace('"', r"\"")
        settings = {"address": self.address, "port": self.port, "password": self.password, "folder": folder}
        write_private(self.folder / "redis.conf", CONFIGURATION.format(**settings))

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()
