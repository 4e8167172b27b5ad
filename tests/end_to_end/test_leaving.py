"""An account is deleted through both services while the broker is stopped and started."""

import re
from uuid import uuid4

import requests

from stack.waiting import wait_until
from tests.support.mail_folder import wait_for_link
from tests.support.market import Market, Person
from tests.support.traces_of_a_person import find_traces_by

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


def refund(market: Market, seller: Person, order: str) -> None:
    body = {"reason": "Quixana says it is broken", "amount_cents": 100}
    answer = seller.request("POST", f"/api/orders/{order}/refunds/", json=body)
    assert answer.status_code == 202, answer.text
    sql = "SELECT status FROM listings_order WHERE id = %s"
    assert wait_until(lambda: market.listings(sql, order) == [("partly_refunded",)], timeout_seconds=60)


def log_in_as_staff(url: str, name: str) -> None:
    """Fail at the log-in of an admin."""
    session = requests.Session()
    form = session.get(f"{url}/admin/login/", timeout=30).text
    [token] = re.findall('name="csrfmiddlewaretoken" value="([^"]+)"', form)
    body = {"username": name, "password": "a guess", "csrfmiddlewaretoken": token}
    assert session.post(f"{url}/admin/login/", data=body, timeout=30).status_code in (200, 401)


def is_forgotten(market: Market, person: Person) -> bool:
    market.manage("listings", "reconcile", "--older-than", "5")
    sql = "SELECT forgotten_at IS NOT NULL FROM listings_accountdeletion WHERE user_id = %s"
    return bool(market.listings(sql, person.id)[0][0])


def test_nothing_of_a_person_is_left_in_both_services_after_an_outage_of_the_broker(
    market: Market, seller: Person, buyer: Person
) -> None:
    quixana = register(market)
    lamp = quixana.sell("Quixotic lamp", description="At windmill 7", quantity=5)
    sold = buyer.buy(lamp).json()["id"]
    bought = quixana.buy(seller.sell("Reading lamp")).json()["id"]
    assert market.wait_settled([sold, bought]) == {"completed": 2}
    refund(market, quixana, sold)
    refund(market, seller, bought)
    # Who tries the shop's name and password at the admin is kept, by name.
    [(name,)] = market.listings("SELECT username FROM auth_user WHERE id = %s", quixana.id)
    for url in (market.listings_url, market.transactions_url):
        log_in_as_staff(url, name)
    figures = "SELECT price_cents, fee_cents, total_cents FROM transactions_transaction WHERE order_id = %s"
    books = market.transactions(figures, sold)
    assert {"auth_user.email", "listings_refund.reason", "staff_staffaction.by"} <= find_traces_by(
        market.listings, *WORDS
    )
    assert {"transactions_refund.reason", "staff_staffaction.by"} <= find_traces_by(
        market.transactions, *WORDS
    )

    market.services.rabbitmq.stop()
    pending = buyer.buy(lamp).json()["id"]
    own = quixana.buy(seller.sell("Reading lamp")).json()["id"]
    answer = quixana.request("POST", "/api/auth/me/delete/", json={"password": PASSWORD})
    assert answer.status_code == 202, answer.text
    assert buyer.buy(lamp).status_code == 404
    assert not is_forgotten(market, quixana)
    assert market.listings("SELECT status FROM listings_order WHERE id = %s", own) == [("cancelled",)]
    market.services.rabbitmq.start()

    assert wait_until(lambda: is_forgotten(market, quixana), timeout_seconds=120)
    assert market.wait_settled([sold, pending, own]) == {
        "partly_refunded": 1,
        "completed": 1,
        "cancelled": 1,
    }
    assert find_traces_by(market.listings, *WORDS) == set()
    assert find_traces_by(market.transactions, *WORDS) == set()
    assert market.transactions(figures, sold) == books
    market.audit()
