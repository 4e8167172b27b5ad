"""One order as a page, and cancelling it without a script."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from listings.models import Listing, Order
from listings.settling.complete import complete_orders
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold
from tests.support.pages import address, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(bob: User, put_on_sale: Callable[..., Listing]) -> Order:
    """Bob's, of one of five lamps."""
    return order_one(put_on_sale("Reading lamp", quantity=5), buyer_id=bob.pk)


def left() -> int:
    return Listing.objects.get().available


def test_an_order_is_shown_to_its_buyer_and_its_seller_alone(
    shopper: Client, seller: Client, order: Order, make_user: Callable[..., User]
) -> None:
    path = f"/orders/{order.pk}/"
    carol = Client()
    carol.force_login(make_user("carol"))
    assert "All my orders" in text(shopper.get(path))
    assert "All my sales" in text(seller.get(path))
    assert "no such order" in text(carol.get(path), 404)
    assert address(Client().get(path)) == f"/account/log-in/?next={path}"


def test_a_pending_order_is_cancelled_after_a_question(shopper: Client, order: Order) -> None:
    cancel = f"/orders/{order.pk}/cancel/"
    assert f'href="{cancel}"' in text(shopper.get("/orders/"))
    assert "Cancel this order?" in text(shopper.get(cancel))
    assert left() == 4, "Asking changes nothing."
    assert address(shopper.post(cancel)) == f"/orders/{order.pk}/"
    assert left() == 5
    page = text(shopper.get("/orders/"))
    assert "Cancelled" in page
    assert cancel not in page


def test_cancelling_twice_is_cancelling_once(shopper: Client, order: Order) -> None:
    cancel = f"/orders/{order.pk}/cancel/"
    shopper.post(cancel)
    assert address(shopper.post(cancel)) == f"/orders/{order.pk}/"
    assert left() == 5
    assert "It is cancelled." in text(shopper.get(cancel))


def test_what_has_been_settled_meanwhile_is_not_cancelled(shopper: Client, order: Order) -> None:
    complete_orders([item_sold(order.pk)])
    cancel = f"/orders/{order.pk}/cancel/"
    assert cancel not in text(shopper.get("/orders/"))
    assert "The order is completed already." in text(shopper.post(cancel), 409)
    assert "cannot be cancelled any more" in text(shopper.get(cancel))
    assert left() == 4


def test_nobody_cancels_the_order_of_another(seller: Client, order: Order) -> None:
    cancel = f"/orders/{order.pk}/cancel/"
    for response in (seller.get(cancel), seller.post(cancel), seller.post(f"/orders/{uuid4()}/cancel/")):
        assert "no such order" in text(response, 404)
    assert cancel not in text(seller.get(f"/orders/{order.pk}/"))
    assert cancel not in text(seller.get("/sales/"))
    order.refresh_from_db()
    assert order.status == "pending"


def test_a_cancellation_from_elsewhere_does_nothing(bob: User, order: Order) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    assert client.post(f"/orders/{order.pk}/cancel/").status_code == 403
    assert left() == 4
