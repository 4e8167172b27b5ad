"""The typed client buys; its feed and its requests outlive their servers."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from stack.places import ROOT
from tests.support.children import child
from tests.support.market import Market, Person

pytestmark = pytest.mark.timeout(300)  # it compiles, and restarts two servers

CLIENT = ROOT / "clients/typescript"
COMPILER = CLIENT / "node_modules/typescript/bin/tsc"
NODE = Path(sys.executable).with_name("node")


def test_the_client_goes_from_register_to_completed_and_resumes_after_restarts(
    market: Market, seller: Person
) -> None:
    # Types are checked by `make check-client`, which takes three times as long.
    subprocess.run([NODE, COMPILER, "--noCheck"], cwd=CLIENT, check=True, timeout=120)
    shop = {
        "listingsUrl": market.listings_url,
        "transactionsUrl": market.transactions_url,
        "liveUrl": market.live_url,
        "name": f"bob-{uuid4().hex[:8]}",
        "listingId": seller.sell("Crunchy armchair", quantity=10),
    }
    flow = [str(NODE), str(CLIENT / "dist/test/flow.js"), json.dumps(shop)]
    with child(flow, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        sent, received = client.stdin, client.stdout
        assert sent
        assert received

        def go_on() -> str:
            sent.write("\n")
            sent.flush()
            line: str = received.readline()
            return line.strip()

        assert received.readline() == "completed\n"
        market.stack.stop("listings-live")
        missed = go_on()
        assert market.wait_settled([missed]) == {"completed": 1}
        market.repair()
        assert received.readline() == "resumed\n"
        market.stack.stop("listings-api")
        sent.write("\n")
        sent.flush()
        market.repair()
        again = received.readline().strip()
        assert market.wait_settled([again]) == {"completed": 1}
        assert client.wait(timeout=30) == 0
    orders = market.listings("SELECT id FROM listings_order WHERE listing_id = %s", shop["listingId"])
    assert len(orders) == 3, "Each purchase was made once."
