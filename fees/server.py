"""The local Function URL's server: a thread a connection, and a stop that finishes requests."""

import signal
import socketserver
import sys
import threading
from typing import Any

from fees.connection import Connection

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
DRAIN_SECONDS = 30


class RequestsInFlight:
    """A count of the requests being read or answered, so that a stop can wait for them."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        self._add(1)

    def __exit__(self, *_: object) -> None:
        self._add(-1)

    def wait_for_none(self, *, timeout_seconds: float) -> bool:
        """Wait until no request is in flight; return False where that took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count == 0, timeout_seconds)

    def _add(self, change: int) -> None:
        with self._changed:
            self._count += change
            self._changed.notify_all()


# Not http.server's own HTTPServer: binding that one asks DNS for the host's name, which can take seconds.
class FunctionUrlServer(socketserver.ThreadingTCPServer):
    """Serves the handler on a host and port; port 0 takes a free one.

    A connection is a thread, so there are at most `connections_limit`; more are closed unanswered.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    connections_limit = 256

    def __init__(self, *, host: str, port: int) -> None:
        self.in_flight = RequestsInFlight()
        self.stopping = False
        self._slots = threading.BoundedSemaphore(self.connections_limit)
        super().__init__((host, port), Connection)

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self.server_address[1])

    def stop(self) -> None:
        """Refuse new connections, and let the requests in flight finish."""
        self.stopping = True
        self.shutdown()
        self.server_close()
        self.in_flight.wait_for_none(timeout_seconds=DRAIN_SECONDS)

    def process_request(self, request: Any, client_address: Any) -> None:
        # Refused and not queued: an accept that waits for a free thread would hold up a stop as well.
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that went away is no error of the server.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def serve(*, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; finish the running requests, then return."""
    # Blocked in every thread and awaited here, so that a signal never interrupts an accepted connection.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    with FunctionUrlServer(host=host, port=port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"fees listening on http://{host}:{server.port}", flush=True)
        signal.sigwait(STOP_SIGNALS)
        server.stop()
