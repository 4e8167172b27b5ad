"""What people have been told of their orders, as a page and as a number at the bell."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from listings.live.push import push_notification_hints
from listings.models import Listing, Notification, Order
from listings.notifications import tasks
from listings.settling.complete import complete_orders
from microstore.telemetry.tracing import new_trace
from tests.listings.replies import item_sold
from tests.support.browser import browse
from tests.support.pages import address, text
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db

QUERIES_OF_NOTIFICATIONS = 4 + 2  # of each page; the notifications, and whether e-mail is wanted
Sell = Callable[..., Order]


@pytest.fixture
def sell(bob: User, put_on_sale: Callable[..., Listing]) -> Sell:
    """Bob buys one of Alice's things, and both are told."""

    def sell_one(title: str = "Crunchy armchair") -> Order:
        order = Order.objects.create(
            buyer=bob,
            listing=put_on_sale(title, available=0),
            quantity=1,
            unit_price_cents=24_900,
            currency="EUR",
            trace=new_trace(),
        )
        tasks.order_completed(complete_orders([item_sold(order.pk)]))
        return order

    return sell_one


def unread(client: Client) -> int:
    return int(client.get("/notifications/unread/").json()["unread"])


def test_buyer_and_seller_read_each_what_concerns_them(shopper: Client, seller: Client, sell: Sell) -> None:
    order = sell()
    for client, told in (
        (shopper, "You bought 1 × Crunchy armchair"),
        (seller, "You sold 1 × Crunchy armchair"),
    ):
        page = text(client.get("/notifications/"))
        assert told in page
        assert f'href="/orders/{order.pk}/"' in page
        assert "Notifications, 1 unread" in text(client.get("/"))
    assert "You sold" not in text(shopper.get("/notifications/"))


def test_who_has_been_told_nothing_sees_an_empty_page(shopper: Client, client: Client) -> None:
    assert "No notifications yet" in text(shopper.get("/notifications/"))
    assert "Notifications, none unread" in text(shopper.get("/"))
    assert unread(shopper) == unread(client) == 0
    assert 'id="bell"' not in text(client.get("/"))


def test_one_is_marked_as_read_and_then_all(shopper: Client, bob: User, sell: Sell) -> None:
    for title in ("Crunchy armchair", "Reading lamp", "Atlas"):
        sell(title)
    first = Notification.objects.filter(recipient=bob).earliest("id")
    marked = f"notification-{first.pk}"
    assert address(shopper.post(f"/notifications/{first.pk}/read/")) == f"/notifications/#{marked}"
    assert f'id="{marked}"' in text(shopper.get("/notifications/"))
    assert unread(shopper) == 2
    assert text(shopper.get("/notifications/")).count('class="unread"') == 2
    assert address(shopper.post("/notifications/read-all/")) == "/notifications/#notifications"
    assert unread(shopper) == 0
    assert "Mark all as read" not in text(shopper.get("/notifications/"))
    assert Notification.objects.filter(read_at=None).count() == 3, "The seller's are still unread."


def test_nobody_marks_those_of_others(seller: Client, bob: User, sell: Sell) -> None:
    sell()
    told = Notification.objects.get(recipient=bob)
    assert "no such notification" in text(seller.post(f"/notifications/{told.pk}/read/"), 404)
    text(seller.post(f"/notifications/{10**18 - 1}/read/"), 404)
    assert Notification.objects.filter(read_at=None).count() == 2


@pytest.mark.parametrize("path", ["read-all", "1/read", "email"])
def test_a_form_from_elsewhere_changes_nothing(bob: User, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    assert client.post(f"/notifications/{path}/").status_code == 403


def test_strangers_are_asked_to_log_in(client: Client) -> None:
    assert address(client.get("/notifications/")) == "/account/log-in/?next=/notifications/"


def test_e_mail_is_turned_off_and_on(shopper: Client, bob: User) -> None:
    box = '<input type="checkbox" name="wanted" checked>'
    assert box in text(shopper.get("/notifications/"))
    saved = address(shopper.post("/notifications/email/"))
    assert saved == "/notifications/?saved=1#by-email"
    page = text(shopper.get(saved))
    assert box not in page
    assert "Saved." in page
    assert address(shopper.post("/notifications/email/", {"next": "account"})) == "/account/?saved=1#email"
    assert not bob.profile.email_notifications
    shopper.post("/notifications/email/", {"wanted": "on"})
    assert box in text(shopper.get("/notifications/"))


def test_many_are_shown_in_pages_of_constant_cost(
    shopper: Client, bob: User, sell: Sell, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = Notification.objects.get(recipient=bob, order=sell())
    Notification.objects.bulk_create(
        Notification(
            recipient=bob,
            event_id=f"00000000-0000-0000-0000-{number:012}",
            kind=first.kind,
            role=first.role,
            order=first.order,
            text=f"You bought matchbox {number}.",
        )
        for number in range(120)
    )
    with django_assert_num_queries(QUERIES_OF_NOTIFICATIONS):
        page = text(shopper.get("/notifications/"))
    assert "You bought matchbox 119." in page
    assert "You bought matchbox 99." not in page
    assert "Notifications, 99+ unread" in page
    assert unread(shopper) == 100, "Counted no further."
    assert 'rel="next"' in page


@pytest.mark.django_db(transaction=True)
def test_who_listens_is_told_that_there_is_a_notification_and_nobody_else_is(
    alice: User, bob: User, make_user: Callable[..., User], sell: Sell
) -> None:
    carol = make_user("carol")

    def feed_of(user: User, asks: str = "&notifications=1") -> str:
        return f"/ws/orders/?token={sign(claims_of(user.pk))}{asks}"

    with (
        browse(feed_of(bob)) as buyer,
        browse(feed_of(alice)) as sold,
        browse(feed_of(carol)) as other,
        browse(feed_of(bob, "")) as of_orders_alone,
    ):
        sell()
        for browser in (buyer, sold):
            assert {said["type"] for said in browser.read_events(2)} == {"order", "notification"}
        push_notification_hints([carol.pk])
        assert other.read() == {"type": "notification"}, "That of her own, and nothing before it."
        push_notification_hints([bob.pk])
        sell()
        assert {said["type"] for said in of_orders_alone.read_events(2)} == {"order"}
