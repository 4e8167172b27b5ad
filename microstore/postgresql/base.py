"""The database backend, in the module where Django looks for it."""

import select

from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQLDatabaseWrapper
from psycopg2.extensions import TRANSACTION_STATUS_IDLE


class DatabaseWrapper(PostgreSQLDatabaseWrapper):
    """A connection whose health check needs no round trip while it is healthy."""

    def is_usable(self) -> bool:
        """Return whether the connection works; called before the first query of each request or task."""
        # A server that closes a connection sends a message, or its kernel a FIN: there is something to read.
        assert self.connection is not None
        if self.errors_occurred or self.connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
            return super().is_usable()
        socket = select.poll()
        socket.register(self.connection, select.POLLIN)
        return not socket.poll(0) or super().is_usable()
