"""The servers of `make run`: PostgreSQL and Valkey from wheels, Valkey as broker and channel layer."""

from stack.places import make_servers_folder
from stack.servers.private import PrivateServers
from stack.servers.server import Server

FOLDER = "embedded/servers"
BROKER, CHANNEL_LAYER = 0, 1  # databases of Valkey
PROMISES = """\
This is a demonstration. The databases are PostgreSQL as in `make up` and keep what is promised; the broker
has no dead-letter exchange and no publisher confirms, and a delayed retry waits in a worker's memory."""


class EmbeddedServers(PrivateServers):
    """Nothing to install; the broker's messages live only as long as it runs."""

    from_wheels = True

    @property
    def all(self) -> list[Server]:
        return [*self.databases.values(), self.redis]

    def environment(self) -> dict[str, str]:
        """Return the URLs of the databases, and of two databases of Valkey."""
        return {
            **super().environment(),
            "BROKER_URL": self.redis.database_url(BROKER),
            "CHANNEL_LAYER_URL": self.redis.database_url(CHANNEL_LAYER),
        }


def find_embedded_servers() -> EmbeddedServers:
    """Return the servers with the data kept, not started yet."""
    return EmbeddedServers.at(make_servers_folder(FOLDER))
