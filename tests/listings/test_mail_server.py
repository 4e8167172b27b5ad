"""What one recipient's reply does to the e-mails of others, on a mail server's socket."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from listings.models import Listing, Order, Profile
from listings.notifications import tasks
from listings.notifications.models import Email
from listings.settling.complete import complete_orders
from microstore.contracts.listings import OrderCompleted
from microstore.messaging.receiving.consumer import Unavailable
from microstore.telemetry.tracing import new_trace
from tests.listings.replies import item_sold
from tests.support.smtp_server import GONE, SMTPServer, mail_server

pytestmark = pytest.mark.django_db
BUYERS = 4  # more than connections that one delivery may lose


@pytest.fixture
def facts(alice: User, put_on_sale: Callable[..., Listing]) -> list[OrderCompleted]:
    """Of one order of each buyer, all of them Alice's sales."""
    buyers = [User.objects.create_user(f"buyer{number}") for number in range(BUYERS)]
    lamp = put_on_sale("Reading lamp", quantity=BUYERS)
    for user in (alice, *buyers):
        user.email = f"{user.username}@shop.example"
        user.save()
        Profile.objects.create(user=user, verified_email=user.email)
    orders = [
        Order.objects.create(
            buyer=buyer, listing=lamp, quantity=1, unit_price_cents=100, currency="EUR", trace=new_trace()
        )
        for buyer in buyers
    ]
    return complete_orders([item_sold(order.pk) for order in orders])


@contextmanager
def answering(settings: Settings, replies: Mapping[str, bytes]) -> Iterator[SMTPServer]:
    with mail_server(replies) as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address[:2]
        yield server


@pytest.mark.parametrize("reply", [b"421 try again later", b"450 mailbox full", GONE])
def test_a_recipient_over_whom_the_connection_is_closed_delays_no_other(
    facts: list[OrderCompleted], settings: Settings, reply: bytes
) -> None:
    others = sorted(["alice@shop.example"] * BUYERS + [f"buyer{n}@shop.example" for n in range(1, BUYERS)])
    with answering(settings, {"buyer0@shop.example": reply}) as server:
        with pytest.raises(Unavailable):
            tasks.order_completed(facts)
        assert sorted(server.taken) == others
        with pytest.raises(Unavailable):
            tasks.order_completed(facts)
        assert sorted(server.taken) == others
        server.replies = {}
        tasks.order_completed(facts)
        assert sorted(server.taken) == sorted(["buyer0@shop.example", *others])


def test_a_server_that_closes_after_a_refusal_gets_the_others_too(
    facts: list[OrderCompleted], settings: Settings
) -> None:
    with answering(settings, {"buyer0@shop.example": b"550 no such user"}) as server:
        tasks.order_completed(facts)
        assert len(server.taken) == 2 * BUYERS - 1
    assert "no such user" in Email.objects.get(sent_at=None).error


def test_recipients_over_whom_connections_are_lost_do_not_come_first_each_time(
    facts: list[OrderCompleted], settings: Settings
) -> None:
    """Each takes as long as a timeout, so that a delivery ends after some of them."""
    with answering(settings, {f"buyer{n}@shop.example": GONE for n in range(BUYERS)}) as server:
        for _ in range(50):
            with pytest.raises(Unavailable):
                tasks.order_completed(facts)
            if len(server.taken) == BUYERS:
                break
        assert server.taken == ["alice@shop.example"] * BUYERS


def test_a_server_that_loses_every_connection_is_asked_again_later(
    facts: list[OrderCompleted], settings: Settings
) -> None:
    everybody = ["alice", *(f"buyer{n}" for n in range(BUYERS))]
    with answering(settings, {f"{name}@shop.example": GONE for name in everybody}) as server:
        with pytest.raises(Unavailable):
            tasks.order_completed(facts)
        assert server.connections == 3
    assert not Email.objects.exclude(error="", sent_at=None).exists()
