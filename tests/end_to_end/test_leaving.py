"""An account is exported and deleted by both services while broker and workers are stopped and started."""

import json
import re
from io import BytesIO
from itertools import product
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import pytest
import requests

from stack.waiting import wait_until
from tests.support.mail_folder import wait_for_link
from tests.support.market import Market, Person
from tests.support.traces_of_a_person import find_traces_by

EXPORT = "/api/auth/me/export/"
PASSWORD = "a lighthouse in fog"
WORDS = ("quixana", "quixotic", "windmill 7")


def register(market: Market) -> Person:
    """Somebody who may be found by WORDS."""
    name = f"quixana-{uuid4().hex[:8]}"
    body = {"username": name, "email": f"{name}@shop.example", "password": PASSWORD}
    answer = requests.post(f"{market.listings_url}/api/auth/register/", json=body, timeout=30)
    assert answer.status_code == 201, answer.text
    link = wait_for_link(market, f"{name}@shop.example", "Confirm your e-mail address")
    body = {"token": link.partition("?token=")[2]}
    answer = requests.post(f"{market.listings_url}/api/auth/email/verify/", json=body, timeout=30)
    assert answer.status_code in (200, 204), answer.text
    [(user_id,)] = market.listings("SELECT id FROM auth_user WHERE username = %s", name)
    return Person(market.listings_url, user_id, market.token_for(user_id))


def buy_and_refund(
    market: Market, quixana: Person, lamp: int, seller: Person, buyer: Person
) -> tuple[str, str]:
    """An order of hers of each kind, partly refunded."""
    sold = str(buyer.buy(lamp).json()["id"])
    bought = str(quixana.buy(seller.sell("Reading lamp")).json()["id"])
    assert market.wait_settled([sold, bought]) == {"completed": 2}
    refund(market, quixana, sold)
    refund(market, seller, bought)
    return sold, bought


def refund(market: Market, seller: Person, order: str) -> None:
    body = {"reason": "Quixana says it is broken", "amount_cents": 100}
    answer = seller.request("POST", f"/api/orders/{order}/refunds/", json=body)
    assert answer.status_code == 202, answer.text
    sql = "SELECT status FROM listings_order WHERE id = %s"
    assert wait_until(lambda: market.listings(sql, order) == [("partly_refunded",)], timeout_seconds=60)


def try_to_be_staff(market: Market, person: Person) -> None:
    """Fail at the log-in of both admins, by name and by address."""
    [names] = market.listings("SELECT username, email FROM auth_user WHERE id = %s", person.id)
    for url, name in product((market.listings_url, market.transactions_url), names):
        session = requests.Session()
        form = session.get(f"{url}/admin/login/", timeout=30).text
        [token] = re.findall('name="csrfmiddlewaretoken" value="([^"]+)"', form)
        body = {"username": name, "password": "a guess", "csrfmiddlewaretoken": token}
        assert session.post(f"{url}/admin/login/", data=body, timeout=30).status_code in (200, 401)


def delete(person: Person) -> None:
    answer = person.request("POST", "/api/auth/me/delete/", json={"password": PASSWORD})
    assert answer.status_code == 202, answer.text


def archive_of(person: Person) -> dict[str, Any]:
    """The files of the person's archive, once it is made."""
    assert wait_until(lambda: person.request("GET", EXPORT).status_code == 200, timeout_seconds=60)
    with ZipFile(BytesIO(person.request("GET", EXPORT).content)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".json")]
        return {name.removesuffix(".json"): json.loads(archive.read(name)) for name in names}


def is_done(market: Market, person: Person, column: str) -> bool:
    """Whether the deletion has come so far."""
    sql = f"SELECT {column} IS NOT NULL FROM listings_accountdeletion WHERE user_id = %s"
    return bool(market.listings(sql, person.id)[0][0])


@pytest.mark.timeout(400)
def test_nothing_of_a_person_is_left_in_both_services_after_an_outage_of_the_broker(
    market: Market, seller: Person, buyer: Person
) -> None:
    quixana = register(market)
    lamp = quixana.sell("Quixotic lamp", description="At windmill 7", quantity=5)
    sold, bought = buy_and_refund(market, quixana, lamp, seller, buyer)
    try_to_be_staff(market, quixana)
    figures = "SELECT price_cents, fee_cents, total_cents FROM transactions_transaction WHERE order_id = %s"
    books = market.transactions(figures, sold)
    left = find_traces_by(market.listings, *WORDS)
    assert {"auth_user.email", "listings_refund.reason"} <= left
    left = find_traces_by(market.transactions, *WORDS)
    assert left & {"transactions_refund.reason", "staff_staffaction.by"} == {"transactions_refund.reason"}

    market.services.rabbitmq.stop()
    pending = buyer.buy(lamp).json()["id"]
    own = quixana.buy(seller.sell("Reading lamp")).json()["id"]
    assert seller.request("GET", EXPORT).status_code == 202
    delete(quixana)
    assert buyer.buy(lamp).status_code == 404
    market.manage("listings", "reconcile")
    assert not is_done(market, quixana, "scrubbed_at")
    assert market.listings("SELECT status FROM listings_order WHERE id = %s", own) == [("cancelled",)]
    market.services.rabbitmq.start()

    settled = {"partly_refunded": 2, "completed": 1, "cancelled": 1}
    assert market.wait_settled([sold, bought, pending, own]) == settled
    assert wait_until(market.is_quiet, timeout_seconds=60)
    market.manage("listings", "reconcile")
    assert wait_until(lambda: is_done(market, quixana, "forgotten_at"), timeout_seconds=60)
    assert find_traces_by(market.listings, *WORDS) == set()
    assert find_traces_by(market.transactions, *WORDS) == set()
    assert market.transactions(figures, sold) == books
    market.audit()
    assert {row["order_id"] for row in archive_of(seller)["sales"]} == {bought, own}


def test_an_archive_is_made_though_both_workers_are_stopped_meanwhile(
    market: Market, seller: Person, buyer: Person
) -> None:
    orders = [buyer.buy(seller.sell("Reading lamp")).json()["id"] for _ in range(2)]
    assert market.wait_settled(orders) == {"completed": 2}
    for worker in ("transactions-worker", "listings-worker"):
        market.stack.stop(worker)
    assert [buyer.request("GET", EXPORT).status_code for _ in range(2)] == [202, 202]
    market.stack.start("transactions-worker")
    # Its reply waits in the broker.
    assert not market.listings("SELECT 1 FROM listings_exportpage")
    market.stack.start("listings-worker")
    files = archive_of(buyer)
    # In the order in which they were settled, by several processes.
    assert sorted(row["order_id"] for row in files["purchases"]) == orders
    assert [row["id"] for row in files["orders_bought"]] == orders
