"""Webhooks of real purchases, whatever is restarted in between, as both official libraries see them."""

import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from stack.places import ROOT
from stack.ports import choose_ports
from stack.waiting import wait_until
from tests.support.market import Market, Person
from tests.support.payouts import send_facts_of_payouts
from tests.support.receiver import Handler, Received, Receiver

pytestmark = pytest.mark.timeout(240)  # it restarts a broker and a database

NODE = Path(sys.executable).with_name("node")
COUNT = "SELECT count(*) FROM listings_webhookdelivery WHERE endpoint_id = %s"
TYPES = {"order.created", "order.completed"}
GUIDE = (ROOT / "docs/how-to/receive-webhooks.md").read_text()
(PYTHON,) = re.findall(r"```python\n(.+?)```", GUIDE, re.DOTALL)
(JAVASCRIPT,) = re.findall(r"```js\n(.+?)```", GUIDE, re.DOTALL)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def add_webhook(person: Person, url: str, types: set[str] = TYPES) -> dict[str, Any]:
    answer = person.request("POST", "/api/webhooks/", json={"url": url, "events": sorted(types)})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def verify_in_node(secret: str, received: list[Received]) -> list[str]:
    """The types of the events, by the library of JavaScript; it fails where a signature is wrong."""
    requests = [{"headers": each.headers, "body": each.body} for each in received]
    done = subprocess.run(
        [NODE, ROOT / "tools/node/verify.js"],
        input=json.dumps({"secret": secret, "requests": requests}),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def restart_all_between(market: Market, seller: Person, buyer: Person, endpoint_id: str) -> str:
    """Buy, and restart the worker, the broker with the facts in it, and the database with the deliveries."""
    stack, services = market.stack, market.services
    stack.stop("webhooks-worker")
    order_id = str(buyer.buy(seller.sell("Crunchy armchair")).json()["id"])
    assert market.wait_settled([order_id]) == {"completed": 1}
    services.rabbitmq.stop()
    services.rabbitmq.start()
    stack.stop("webhooks-deliver")
    stack.start("webhooks-worker")
    assert wait_until(lambda: market.listings(COUNT, endpoint_id) == [(2,)], timeout_seconds=60)
    services.listings_db.stop()
    services.listings_db.start()
    return order_id


def test_events_arrive_though_everything_between_is_restarted(
    market: Market, seller: Person, buyer: Person, receiver: Receiver
) -> None:
    made = add_webhook(seller, receiver.url())
    stack = market.stack
    order_id = restart_all_between(market, seller, buyer, made["id"])
    # The sender dies while both are under way: their claims end, which is not waited for here.
    asked, go_on = threading.Barrier(3), threading.Event()

    def hold(handler: Handler) -> None:
        asked.wait(30)
        go_on.wait(30)

    receiver.answer = hold
    stack.start("webhooks-deliver")
    asked.wait(60)
    stack.kill("webhooks-deliver")
    receiver.answer = Receiver().answer
    go_on.set()
    market.listings(
        "UPDATE listings_webhookdelivery SET due_at = now() WHERE endpoint_id = %s RETURNING id", made["id"]
    )
    stack.start("webhooks-deliver")
    settled = f"{COUNT} AND status = 'delivered'"
    assert wait_until(lambda: market.listings(settled, made["id"]) == [(2,)], timeout_seconds=60)
    assert len(receiver.received) >= 4
    assert len({(each.webhook_id, each.body) for each in receiver.received}) == 2
    events = [Webhook(made["secret"]).verify(each.body, each.headers) for each in receiver.received]
    assert {event["data"]["order_id"] for event in events} == {order_id}
    assert set(verify_in_node(made["secret"], receiver.received)) == TYPES
    log = seller.request("GET", f"/api/webhooks/{made['id']}/deliveries/").json()["results"]
    assert {each["webhook_id"] for each in log} == {each.webhook_id for each in receiver.received}


def test_a_secret_is_exchanged_while_events_come(
    market: Market, seller: Person, buyer: Person, receiver: Receiver
) -> None:
    made = add_webhook(seller, receiver.url())
    listing_id = seller.sell("Reading lamp", quantity=20)
    orders = []
    for number in range(10):
        orders.append(buyer.buy(listing_id).json()["id"])
        if number == 4:
            path = f"/api/webhooks/{made['id']}/rotate-secret/"
            new = seller.request("POST", path).json()["secret"]
    market.wait_settled(orders)
    assert wait_until(lambda: len({each.webhook_id for each in receiver.received}) == 20, timeout_seconds=60)
    # A receiver that has not changed its secret yet misses none.
    verify_in_node(made["secret"], receiver.received)
    signed = [each.headers["webhook-signature"].count("v1,") for each in receiver.received]
    assert set(signed) <= {1, 2}
    verify_in_node(new, [each for each, count in zip(receiver.received, signed, strict=True) if count == 2])
    assert signed.count(2) >= 10


@contextmanager
def run_receiver(command: list[Any], source: str, secret: str, port: int) -> Iterator[Path]:
    """The guide's receiver while the block lasts; what it prints is in the file."""
    with tempfile.NamedTemporaryFile() as printed:
        process = subprocess.Popen(
            [*command, source.replace("9000", str(port))],
            cwd=ROOT / "tools/node",
            env={"SECRET": secret},
            stdout=printed,
        )
        try:
            yield Path(printed.name)
        finally:
            process.kill()
            process.wait()


def test_payouts_and_checkouts_reach_the_receivers_of_the_guide(
    market: Market, seller: Person, buyer: Person
) -> None:
    types = {"order.checkout_settled", "payout.prepared", "payout.paid", "payout.failed"}
    ports = choose_ports(2)
    secrets = [add_webhook(seller, f"http://127.0.0.1:{port}/", types)["secret"] for port in ports]
    with (
        run_receiver([sys.executable, "-c"], PYTHON, secrets[0], ports[0]) as python,
        run_receiver([NODE, "--input-type=module", "-e"], JAVASCRIPT, secrets[1], ports[1]) as javascript,
    ):
        checkout = buyer.check_out(seller.sell("Crunchy armchair"), seller.sell("Reading lamp")).json()
        send_facts_of_payouts(market, seller_id=seller.id)
        for printed in (python, javascript):
            assert wait_until(partial(has_printed, printed, types), timeout_seconds=60)
            assert printed.read_text().count(checkout["id"]) == 1


def has_printed(file: Path, types: set[str]) -> bool:
    return {line.partition(" ")[0] for line in file.read_text().splitlines()} == types
