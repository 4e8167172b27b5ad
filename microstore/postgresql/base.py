"""The module that Django looks for in a database backend."""

import select

from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQLDatabaseWrapper
from psycopg2.extensions import TRANSACTION_STATUS_IDLE


class DatabaseWrapper(PostgreSQLDatabaseWrapper):
    """A connection that knows without a round trip that it still stands."""

    def is_usable(self) -> bool:
        """Django asks before the first statement of each request or task.

        A server that ends a connection says so, or its kernel does: then there is something to read.
        """
        assert self.connection is not None
        if self.errors_occurred or self.connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
            return super().is_usable()
        socket = select.poll()
        socket.register(self.connection, select.POLLIN)
        return not socket.poll(0) or super().is_usable()
