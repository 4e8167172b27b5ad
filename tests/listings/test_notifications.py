"""Buyer and seller are told of an order once, in the shop and by e-mail, however often the fact is heard."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.conf import settings as settings_of_django
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db.models import F
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from listings.accounts.models import SentMail
from listings.messages import order_cancelled, order_created
from listings.models import Listing, Notification, Order, Profile
from listings.notifications import tasks
from listings.notifications.digests import request_digests
from listings.notifications.models import Email
from listings.settling.cancel import cancel_order
from listings.settling.complete import complete_orders
from microstore.contracts.listings import OrderCompleted
from microstore.messaging.receiving.consumer import Unavailable
from microstore.staff.money import show_amount
from microstore.telemetry.tracing import new_trace
from tests.listings.account_mails import deliver_account_mails
from tests.listings.replies import item_sold, order_rejected
from tests.support.ports import closed_port
from tests.support.problem import read_problem
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db

QUERIES_OF_A_PAGE = 2  # how many are unread, and the page


@pytest.fixture
def people(alice: User, bob: User) -> None:
    """Both have an address, and have verified it."""
    for user in (alice, bob):
        user.email = f"{user.username}@shop.example"
        user.save()
        Profile.objects.create(user=user, verified_email=user.email)


@pytest.fixture
def order(people: None, bob: User, put_on_sale: Callable[..., Listing]) -> Order:
    return place(bob, put_on_sale("Crunchy armchair", quantity=9, available=7))


def place(buyer: User, listing: Listing) -> Order:
    return Order.objects.create(
        buyer=buyer, listing=listing, quantity=2, unit_price_cents=2_450, currency="EUR", trace=new_trace()
    )


def complete(*orders: Order) -> list[OrderCompleted]:
    return complete_orders([item_sold(order.pk) for order in orders])


def told() -> set[tuple[str, str, str]]:
    return set(Notification.objects.values_list("recipient__username", "role", "text"))


def mailed() -> list[tuple[str, str]]:
    return sorted((message.to[0], str(message.subject)) for message in mail.outbox)


class Unsure(EmailBackend):
    """A mail server that takes the e-mail, and is gone before it can say so."""

    def send_messages(self, messages: Sequence[Any]) -> int:
        super().send_messages(messages)
        raise ConnectionResetError


class Refusing(EmailBackend):
    """A mail server that knows no Bob."""

    answer = (550, b"no such user")

    def send_messages(self, messages: Sequence[Any]) -> int:
        for message in messages:
            if message.to == ["bob@shop.example"]:
                raise SMTPRecipientsRefused({"bob@shop.example": self.answer})
        return super().send_messages(messages)


class BusyForBob(Refusing):
    """A mail server that takes Bob's e-mails later."""

    answer = (450, b"mailbox full")


class Busy(EmailBackend):
    """A mail server that asks to come again later."""

    def send_messages(self, messages: Sequence[Any]) -> int:
        raise SMTPRecipientsRefused({messages[0].to[0]: (451, b"greylisted")})


def backend(kind: type[EmailBackend]) -> str:
    return f"{__name__}.{kind.__name__}"


def test_a_sale_is_told_to_buyer_and_seller(order: Order) -> None:
    tasks.order_completed(complete(order))
    assert told() == {
        ("bob", "buyer", "You bought 2 × Crunchy armchair for 50.00 EUR."),
        ("alice", "seller", "You sold 2 × Crunchy armchair."),
    }
    assert mailed() == [
        ("alice@shop.example", "A sale"),
        ("bob@shop.example", "Your purchase"),
    ]


def test_an_email_is_plain_text_and_html(order: Order) -> None:
    Listing.objects.update(title="Salt & <b>pepper</b>\nshaker")
    tasks.order_completed(complete(order))
    message: Any = next(message for message in mail.outbox if message.to == ["bob@shop.example"])
    assert message.subject == "Your purchase"
    assert "You bought 2 × Salt & <b>pepper</b>\nshaker for 50.00 EUR." in message.body
    [(html, kind)] = message.alternatives
    assert kind == "text/html"
    assert "Salt &amp; &lt;b&gt;pepper&lt;/b&gt;" in html
    assert str(order.pk) in message.body
    assert str(order.pk) in html
    assert message.message()["Auto-Submitted"] == "auto-generated"


def test_a_rejection_says_why(order: Order) -> None:
    tasks.order_rejected([order_rejected(order.pk, reason="no fee is set for XTS")])
    assert told() == {
        ("bob", "buyer", "Your order of 2 × Crunchy armchair was rejected: no fee is set for XTS."),
        (
            "alice",
            "seller",
            "An order of 2 × Crunchy armchair was rejected: no fee is set for XTS. It is on sale again.",
        ),
    }


def test_a_cancelled_order_is_told_as_cancelled_and_not_as_rejected(order: Order) -> None:
    cancelled = order_cancelled(cancel_order(order.pk, buyer_id=order.buyer_id))
    tasks.order_cancelled([cancelled])
    tasks.order_rejected([order_rejected(order.pk)])
    assert told() == {
        ("bob", "buyer", "You cancelled your order of 2 × Crunchy armchair."),
        ("alice", "seller", "An order of 2 × Crunchy armchair was cancelled. It is on sale again."),
    }


def test_an_order_that_was_only_accepted_is_told_to_nobody(order: Order) -> None:
    tasks.order_created([order_created(order)])
    assert (told(), mailed()) == (set(), [])


def test_a_fact_heard_again_in_other_company_tells_nobody_twice(order: Order, bob: User) -> None:
    other = place(bob, order.listing)
    facts = complete(order, other)
    for batch in (facts[:1], facts[:1], facts, [*facts, *facts]):
        tasks.order_completed(batch)
    assert Notification.objects.count() == Email.objects.count() == len(mail.outbox) == 4
    assert not Email.objects.filter(sent_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_a_fact_heard_by_many_at_once_tells_nobody_twice(order: Order) -> None:
    facts = complete(order)
    run_at_once(8, lambda _: tasks.order_completed(facts))
    assert Notification.objects.count() == len(mail.outbox) == 2


def test_who_wants_no_email_gets_none(
    order: Order, bob: User, client_of: Callable[[User], APIClient]
) -> None:
    client_of(bob).patch("/api/auth/me/", {"email_notifications": False}, format="json")
    tasks.order_completed(complete(order))
    assert Notification.objects.count() == 2
    assert mailed() == [("alice@shop.example", "A sale")]


@pytest.mark.parametrize("address", ["", "alice@victim.example"])
def test_who_has_verified_no_address_gets_none(order: Order, address: str) -> None:
    User.objects.filter(username="alice").update(email=address)
    tasks.order_completed(complete(order))
    assert [to for to, _ in mailed()] == ["bob@shop.example"]


def test_an_address_that_is_changed_before_the_email_is_sent_gets_none(
    order: Order, settings: Settings
) -> None:
    facts = complete(order)
    settings.EMAIL_BACKEND = backend(Busy)
    with pytest.raises(Unavailable):
        tasks.order_completed(facts)
    User.objects.filter(username="alice").update(email="alice@victim.example")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    tasks.order_completed(facts)
    assert [to for to, _ in mailed()] == ["bob@shop.example"]
    assert "not verified" in Email.objects.get(sent_at=None).error


def test_a_mail_program_unsubscribes_by_one_request_without_a_cookie(order: Order, bob: User) -> None:
    tasks.order_completed(complete(order))
    message = next(message for message in mail.outbox if message.to == ["bob@shop.example"]).message()
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = str(message["List-Unsubscribe"]).strip("<>")
    path = address.removeprefix(settings_of_django.SHOP_URL)
    client = Client(enforce_csrf_checks=True)
    assert client.get(path).status_code == 200
    assert Profile.objects.get(user=bob).email_notifications
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not Profile.objects.get(user=bob).email_notifications
    assert Profile.objects.filter(email_notifications=True).count() == 1
    assert client.post("/account/unsubscribe/?token=nobody").status_code == 410


def test_beyond_the_bound_of_an_hour_one_digest_replaces_the_rest(
    order: Order, bob: User, settings: Settings
) -> None:
    settings.MAX_MAILS_PER_HOUR = 2
    facts = complete(order, *(place(bob, order.listing) for _ in range(4)))
    tasks.order_completed(facts)
    tasks.order_completed(facts)
    assert len(mail.outbox) == 4
    assert Email.objects.filter(held=True, sent_at=None).count() == 6
    assert request_digests() == 0
    SentMail.objects.update(created_at=F("created_at") - timedelta(hours=1))
    assert request_digests() == 2
    assert request_digests() == 0
    digests = deliver_account_mails()
    assert sorted(message.to[0] for message in digests) == ["alice@shop.example", "bob@shop.example"]
    assert {message.subject for message in digests} == {"More news of your orders and sales"}
    assert all("3 more notifications" in message.body for message in digests)
    assert not Email.objects.filter(sent_at=None).exists()
    assert request_digests() == 0


@pytest.mark.django_db(transaction=True)
def test_the_bound_holds_for_workers_at_the_same_moment(order: Order, bob: User, settings: Settings) -> None:
    settings.MAX_MAILS_PER_HOUR = 3
    facts = complete(order, *(place(bob, order.listing) for _ in range(7)))
    run_at_once(8, lambda number: tasks.order_completed(facts[number : number + 1]))
    assert len(mail.outbox) == 6


def test_while_the_mail_server_is_down_people_are_told_in_the_shop_and_mailed_later(
    order: Order, settings: Settings
) -> None:
    facts = complete(order)
    with closed_port() as port:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        with pytest.raises(Unavailable):
            tasks.order_completed(facts)
    assert Notification.objects.count() == 2
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    tasks.order_completed(facts)
    assert len(mail.outbox) == 2


def test_a_server_that_says_later_is_asked_later(order: Order, settings: Settings) -> None:
    settings.EMAIL_BACKEND = backend(Busy)
    with pytest.raises(Unavailable):
        tasks.order_completed(complete(order))
    assert not Email.objects.exclude(sent_at=None, error="").exists()


def test_an_address_that_is_refused_for_good_holds_up_nobody_and_is_not_tried_again(
    order: Order, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = backend(Refusing)
    facts = complete(order)
    tasks.order_completed(facts)
    tasks.order_completed(facts)
    assert [to for to, _ in mailed()] == ["alice@shop.example"]
    refused = Email.objects.get(sent_at=None)
    assert refused.notification.recipient.username == "bob"
    assert "no such user" in refused.error


@pytest.mark.parametrize(
    "address", ["bob@" + "ü" * 64 + ".example", "bob@shop.example\nBcc: all@shop.example"]
)
def test_an_address_that_no_envelope_can_bear_holds_up_nobody(order: Order, bob: User, address: str) -> None:
    User.objects.filter(pk=bob.pk).update(email=address)
    Profile.objects.filter(user=bob).update(verified_email=address)
    facts = complete(order)
    tasks.order_completed(facts)
    tasks.order_completed(facts)
    assert [to for to, _ in mailed()] == ["alice@shop.example"]
    refused = Email.objects.get(sent_at=None)
    assert refused.notification.recipient == bob
    assert refused.error


def test_a_recipient_that_is_taken_later_holds_up_nobody_and_is_given_up_after_a_day(
    order: Order, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = backend(BusyForBob)
    facts = complete(order)
    with pytest.raises(Unavailable):
        tasks.order_completed(facts)
    assert [to for to, _ in mailed()] == ["alice@shop.example"]
    Notification.objects.update(created_at=F("created_at") - timedelta(days=1))
    tasks.order_completed(facts)
    assert "mailbox full" in Email.objects.get(sent_at=None).error
    assert len(mail.outbox) == 1


def test_an_email_that_was_sent_and_not_written_down_is_sent_again_with_the_same_message_id(
    order: Order, settings: Settings
) -> None:
    """What a crash between the two does: said in docs/decisions/0062."""
    facts = complete(order)
    settings.EMAIL_BACKEND = backend(Unsure)
    with pytest.raises(Unavailable):
        tasks.order_completed(facts)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    tasks.order_completed(facts)
    ids = [message.message()["Message-ID"] for message in mail.outbox]
    assert sorted(ids[:2]) == sorted(ids[2:])
    assert ids[0] != ids[1]


def test_a_batch_is_stored_in_a_constant_number_of_statements(
    people: None,
    bob: User,
    put_on_sale: Callable[..., Listing],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    User.objects.update(email="")
    lamp = put_on_sale("Reading lamp", quantity=100)
    facts = complete(*(place(bob, lamp) for _ in range(50)))
    with django_assert_max_num_queries(9):
        tasks.order_completed(facts)
    assert Notification.objects.count() == 100


@pytest.mark.parametrize(
    ("cents", "currency", "said"),
    [
        (5, "EUR", "0.05 EUR"),
        (123_456, "EUR", "1,234.56 EUR"),
        (500, "JPY", "500 JPY"),
        (1_005, "KWD", "1.005 KWD"),
    ],
)
def test_amounts_have_the_digits_of_their_currency(cents: int, currency: str, said: str) -> None:
    assert show_amount(cents, currency) == said


def pages(client: APIClient, **query: Any) -> Iterator[dict[str, Any]]:
    answer: Any = client.get("/api/notifications/", query)
    while answer is not None:
        assert answer.status_code == 200, answer.content
        page = answer.json()
        yield page
        answer = client.get(page["next"]) if page["next"] else None


def test_what_people_were_told_is_read_newest_first_in_pages_of_constant_cost(
    api: APIClient, order: Order, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    others = [place(bob, order.listing) for _ in range(4)]
    for each in (order, *others):
        tasks.order_completed(complete(each))
    found = list(pages(api, page_size=2))
    assert [len(page["results"]) for page in found] == [2, 2, 1]
    assert {page["unread"] for page in found} == {5}
    assert [each["order"] for page in found for each in page["results"]] == [
        str(each.pk) for each in (*reversed(others), order)
    ]
    for size in (1, 5):
        with django_assert_num_queries(QUERIES_OF_A_PAGE):
            api.get("/api/notifications/", {"page_size": size})
    newest = found[0]["results"][0]
    assert newest.keys() == {
        *("id", "kind", "role", "text", "order", "listing", "checkout", "created_at", "read_at"),
    }
    assert (newest["kind"], newest["role"], newest["listing"]) == (
        "order_completed",
        "buyer",
        order.listing_id,
    )
    assert newest["read_at"] is None


def test_what_is_read_stays_read_since_the_first_time(api: APIClient, order: Order, bob: User) -> None:
    tasks.order_completed(complete(order, place(bob, order.listing)))
    [page] = pages(api)
    url = f"/api/notifications/{page['results'][0]['id']}/read/"
    first, again = api.post(url), api.post(url)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert first.json()["read_at"]
    [page] = pages(api)
    assert page["unread"] == 1
    [unread], [read] = pages(api, unread="true"), pages(api, unread="false")
    assert [each["id"] for each in read["results"]] == [first.json()["id"]]
    assert len(unread["results"]) == 1
    assert api.post("/api/notifications/read-all/").json() == {"unread": 0}
    [page] = pages(api)
    assert page["unread"] == 0
    assert {each["id"]: each["read_at"] for each in page["results"]}[first.json()["id"]] == first.json()[
        "read_at"
    ]


@pytest.mark.parametrize("unread", ["maybe", "1", "-58800", "%00"])
def test_what_is_neither_read_nor_unread_is_refused(api: APIClient, unread: str) -> None:
    read_problem(api.get(f"/api/notifications/?unread={unread}"), 400)


def test_what_others_are_told_stays_unread_and_unseen(
    api: APIClient, alice: User, order: Order, client_of: Callable[[User], APIClient]
) -> None:
    tasks.order_completed(complete(order))
    hers = Notification.objects.get(recipient=alice)
    problem = read_problem(api.post(f"/api/notifications/{hers.pk}/read/"), 404)
    assert problem["type"] == "urn:microstore:problem:notification-not-found"
    api.post("/api/notifications/read-all/")
    [page] = pages(client_of(alice))
    assert (page["unread"], [each["id"] for each in page["results"]]) == (1, [hers.pk])


def test_facts_of_orders_that_are_not_here_are_passed_over(order: Order) -> None:
    facts = complete(order)
    order.delete()
    tasks.order_completed(facts)
    assert not Notification.objects.exists()
