"""The shop with a slow fee function; run as a program, this module is that function."""

import sys
import time

from benchmarks import sustained
from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from fees.connection import Connection
from fees.server import FunctionUrlServer

DELAY_SECONDS = 0.2
COMMAND = "python -m benchmarks.slow_fees $FEES_PORT"


def measure(shop: Shop, scale: Scale) -> Result:
    """Measure the sustained rate with a fee function that takes DELAY_SECONDS for each call."""
    shop.reconfigure({**shop.commands, "fees": COMMAND})
    return sustained.measure(shop, scale)


class LateConnection(Connection):
    """The fee function's connection, delayed by DELAY_SECONDS."""

    def do_POST(self) -> None:  # noqa: N802  # http.server's name
        # POST alone: the check of readiness uses GET and must not be slow.
        time.sleep(DELAY_SECONDS)
        super().do_POST()


if __name__ == "__main__":
    with FunctionUrlServer(host="127.0.0.1", port=int(sys.argv[1])) as server:
        server.RequestHandlerClass = LateConnection
        server.serve_forever()
