"""A seller refunds a sale on a page, without a script; its buyer sees it on the order."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from listings import tasks
from listings.models import Listing, Order, Refund
from listings.settling.complete import complete_orders
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold, order_refunded, refund_refused
from tests.support.broker import facts
from tests.support.pages import address, text

pytestmark = pytest.mark.django_db

REASON = "A leg is loose"
# A price of 2,000 and a fee of 1.00, in minor units, as the pages of each currency write them.
PAID = {"EUR": "€61.00", "JPY": "¥6,100", "KWD": "KWD6.100"}


@pytest.fixture
def sell(bob: User, put_on_sale: Callable[..., Listing]) -> Callable[..., Order]:
    """Bob has bought three of ten lamps."""

    def make(currency: str = "EUR") -> Order:
        lamp = put_on_sale("Reading lamp", quantity=10, price_cents=2_000, currency=currency)
        order = order_one(lamp, buyer_id=bob.pk, quantity=3)
        complete_orders([item_sold(order.pk)])
        return Order.objects.get(pk=order.pk)

    return make


def page_of(order: Order) -> str:
    return f"/orders/{order.pk}/refund/"


def form(seller: Client, order: Order, **fields: str) -> dict[str, str]:
    """The form as it is filled in, with the key that the page has given it."""
    found = re.search('name="key" value="([0-9a-f-]{36})"', seller.get(page_of(order)).content.decode())
    assert found
    return {"key": found[1], "reason": REASON} | fields


@pytest.mark.parametrize("currency", PAID)
def test_a_sale_is_refunded_whole(
    seller: Client, shopper: Client, sell: Callable[..., Order], currency: str
) -> None:
    order = sell(currency)
    assert f'href="{page_of(order)}"' in text(seller.get(f"/orders/{order.pk}/"))
    assert f"Up to {PAID[currency]}" in text(seller.get(page_of(order))).replace("\xa0", "")
    answer = seller.post(page_of(order), form(seller, order, pieces="3"))
    assert address(answer) == f"/orders/{order.pk}/#refunds"
    refund = Refund.objects.get()
    assert (refund.amount_cents, refund.return_quantity, refund.reason) == (6_100, 3, REASON)
    assert "Requested" in text(seller.get(f"/orders/{order.pk}/"))
    with facts("order.refunded"):
        tasks.order_refunded([order_refunded(refund)])
    for visitor in (seller, shopper):
        page = text(visitor.get(f"/orders/{order.pk}/"))
        assert REASON in page
        assert page_of(order) not in page
    assert "Nothing is left to refund" in text(seller.get(page_of(order)))


@pytest.mark.parametrize(
    ("currency", "amount", "cents"),
    [("EUR", "10.50", 1_050), ("JPY", "1,050", 1_050), ("KWD", "1.050", 1_050)],
)
def test_a_part_is_written_in_the_currency(
    seller: Client, sell: Callable[..., Order], currency: str, amount: str, cents: int
) -> None:
    order = sell(currency)
    seller.post(page_of(order), form(seller, order, amount=amount))
    assert (Refund.objects.get().amount_cents, Refund.objects.get().return_quantity) == (cents, 0)


def test_two_clicks_are_one_refund(seller: Client, sell: Callable[..., Order]) -> None:
    order = sell()
    filled = form(seller, order, amount="10")
    assert address(seller.post(page_of(order), filled)) == address(seller.post(page_of(order), filled))
    assert Refund.objects.count() == 1
    seller.post(page_of(order), form(seller, order, amount="10"))
    assert Refund.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "said", "status"),
    [
        ({"reason": ""}, "may not be blank", 400),
        ({"amount": "ten"}, "Write an amount", 400),
        ({"amount": "1.000"}, "could mean", 400),
        ({"amount": "0"}, "above zero and up to €61.00", 400),
        ({"pieces": "many"}, "integer", 400),
        ({"pieces": "4"}, "3 pieces can go back into the stock", 409),
        ({"amount": "61.01"}, "61.00 EUR are left to refund", 409),
    ],
)
def test_what_cannot_be_refunded_is_said_in_the_form(
    seller: Client, sell: Callable[..., Order], fields: dict[str, str], said: str, status: int
) -> None:
    order = sell()
    page = text(seller.post(page_of(order), form(seller, order) | fields), status)
    assert said in page
    assert not Refund.objects.exists()


def test_a_refund_that_is_refused_shows_why_and_may_be_requested_again(
    seller: Client, sell: Callable[..., Order]
) -> None:
    order = sell()
    seller.post(page_of(order), form(seller, order))
    tasks.refund_refused([refund_refused(Refund.objects.get())])
    page = text(seller.get(f"/orders/{order.pk}/"))
    assert "Refused" in page
    assert "transaction is voided." in page
    assert page_of(order) in page


def test_nobody_but_its_seller_refunds(
    shopper: Client, client: Client, sell: Callable[..., Order], make_user: Callable[..., User]
) -> None:
    order = sell()
    carol = Client()
    carol.force_login(make_user("carol"))
    assert page_of(order) not in text(shopper.get(f"/orders/{order.pk}/"))
    for visitor in (shopper, carol):
        for answer in (visitor.get(page_of(order)), visitor.post(page_of(order), {"reason": REASON})):
            assert "no such sale" in text(answer, 404)
    assert address(client.post(page_of(order), {"reason": REASON})).startswith("/account/log-in/")
    assert not Refund.objects.exists()


def test_a_pending_sale_is_not_refundable(
    seller: Client, bob: User, put_on_sale: Callable[..., Listing]
) -> None:
    order = order_one(put_on_sale("Reading lamp", quantity=5), buyer_id=bob.pk)
    assert page_of(order) not in text(seller.get(f"/orders/{order.pk}/"))
    assert "Nothing is left to refund" in text(seller.get(page_of(order)))
    assert seller.post(page_of(order), {"reason": REASON}).status_code == 409
