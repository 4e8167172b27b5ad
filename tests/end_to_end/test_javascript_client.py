"""A Celery client that is not Python sends a command, and gets the effect and the reply."""

import json
import subprocess
import sys
from pathlib import Path

from stack.places import ROOT
from tests.support.market import Market, Person

NODE = Path(sys.executable).with_name("node")


def test_an_order_that_javascript_sends_is_recorded_and_its_reply_completes_it(
    market: Market, seller: Person, buyer: Person
) -> None:
    listing_id = seller.sell("Crunchy armchair")
    market.stack.stop("listings-relay")
    order_id = buyer.buy(listing_id).json()["id"]
    waiting = "SELECT payload FROM messaging_outboxmessage WHERE payload->>'order_id' = %s"
    [(event,)] = market.listings(waiting, order_id)
    sent = {"broker": market.services.rabbitmq.url, "queue": "transactions", "events": [event]}
    command = json.dumps(sent | {"task": "transactions.order_created"})
    subprocess.run([NODE, ROOT / "tools/node/send.js"], input=command, text=True, check=True, timeout=60)
    assert market.wait_settled([order_id]) == {"completed": 1}
    assert market.transactions_of([order_id]) == [order_id]
    [(still_waiting,)] = market.listings(waiting, order_id)
    assert still_waiting == event
    market.repair()
    market.audit()
