"""Buyer and seller are notified of a purchase, in the shop and by e-mail, by a worker of its own."""

from stack.waiting import wait_until
from tests.support.mail_folder import mails_to
from tests.support.market import Market, Person


def notifications_of(person: Person, order_id: str) -> list[dict[str, str]]:
    page = person.request("GET", "/api/notifications/").json()
    return [each for each in page["results"] if each["order"] == order_id]


def mails_of(market: Market, *addresses: str) -> list[str]:
    """The recipients of the e-mails in the folder, duplicates included."""
    return sorted(str(message["To"]) for message in mails_to(market, *addresses))


def give_addresses(market: Market, *people: Person) -> list[str]:
    sql = "UPDATE auth_user SET email = username || '@shop.example' WHERE id = %s RETURNING email"
    addresses = [str(market.listings(sql, person.id)[0][0]) for person in people]
    for person, address in zip(people, addresses, strict=True):
        verified = (
            "INSERT INTO listings_profile (user_id, email_notifications, verified_email)"
            " VALUES (%s, true, %s) RETURNING user_id"
        )
        market.listings(verified, person.id, address)
    return addresses


def test_both_are_notified_once_though_the_event_comes_twice_and_the_worker_was_away(
    market: Market, seller: Person, buyer: Person
) -> None:
    addresses = sorted(give_addresses(market, seller, buyer))
    listing_id = seller.sell("Crunchy armchair")
    market.stack.stop("notifications-worker")
    order_id = buyer.buy(listing_id).json()["id"]
    assert market.wait_settled([order_id]) == {"completed": 1}
    # A second confirmation of the sale publishes the event a second time.
    market.listings(
        "INSERT INTO messaging_outboxmessage (contract, payload) SELECT 'item_sold', jsonb_build_object("
        " 'event_id', id, 'occurred_at', now(), 'trace', trace, 'order_id', id, 'listing_id', listing_id,"
        " 'transaction_id', transaction_id, 'fee_cents', fee_cents, 'total_cents', total_cents)"
        " FROM listings_order WHERE id = %s RETURNING id",
        order_id,
    )
    assert wait_until(
        lambda: market.listings("SELECT count(*) FROM messaging_outboxmessage") == [(0,)], timeout_seconds=30
    )
    market.stack.start("notifications-worker")
    assert wait_until(lambda: len(mails_of(market, *addresses)) >= 2, timeout_seconds=60)
    cancelled = seller.sell("Reading lamp")
    market.stack.stop("transactions-worker")
    later = buyer.buy(cancelled).json()["id"]
    assert buyer.request("POST", f"/api/orders/{later}/cancel/").status_code == 200
    assert wait_until(lambda: bool(notifications_of(buyer, later)), timeout_seconds=60)
    assert [each["kind"] for each in notifications_of(buyer, order_id)] == ["order_completed"]
    assert [each["role"] for each in notifications_of(seller, order_id)] == ["seller"]
    assert wait_until(lambda: len(mails_of(market, *addresses)) >= 4, timeout_seconds=60)
    assert [each["kind"] for each in notifications_of(buyer, later)] == ["order_cancelled"]
    assert mails_of(market, *addresses) == sorted(addresses * 2)
