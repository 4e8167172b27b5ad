"""Many buyers at the very same moment, on real connections."""

from collections import Counter
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db.models import Sum
from rest_framework.test import APIClient

from listings.buying.place import Purchase
from listings.buying.purchase import buy_listing
from listings.models import Listing, Order
from listings.refusals import SoldOut
from microstore.messaging.models import OutboxMessage
from microstore.telemetry.tracing import new_trace
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db(transaction=True)


def try_to_buy(purchase: Purchase) -> bool:
    try:
        buy_listing(purchase)
    except SoldOut:
        return False
    return True


def test_the_last_armchair_is_sold_to_one_of_fifty(
    armchair: Listing, make_user: Callable[..., User], client_of: Callable[[User], APIClient]
) -> None:
    clients = [client_of(make_user()) for _ in range(50)]
    statuses = run_at_once(
        50, lambda number: clients[number].post(f"/api/listings/{armchair.pk}/buy/").status_code
    )
    assert Counter(statuses) == {202: 1, 409: 49}
    assert Order.objects.count() == OutboxMessage.objects.count() == 1
    assert Listing.objects.get().available == 0


def test_ten_lamps_are_sold_to_ten_of_forty(
    put_on_sale: Callable[..., Listing], make_user: Callable[..., User]
) -> None:
    lamp = put_on_sale("Reading lamp", quantity=10)
    buyers = [make_user() for _ in range(40)]
    bought = run_at_once(40, lambda number: try_to_buy(Purchase(lamp.pk, buyers[number].pk, 1, new_trace())))
    assert Counter(bought) == {True: 10, False: 30}
    assert Order.objects.count() == OutboxMessage.objects.count() == 10
    assert Listing.objects.get().available == 0


def test_buyers_of_several_never_take_more_than_there_is(
    put_on_sale: Callable[..., Listing], make_user: Callable[..., User]
) -> None:
    letters = put_on_sale("Letters from a lighthouse", quantity=25)
    buyers = [make_user() for _ in range(20)]
    run_at_once(
        20, lambda number: try_to_buy(Purchase(letters.pk, buyers[number].pk, 1 + number % 4, new_trace()))
    )
    sold = Order.objects.aggregate(sold=Sum("quantity"))["sold"]
    left = Listing.objects.get().available
    assert sold + left == 25
    assert left < 4  # nobody was sent away while there was enough for them


def test_fifty_posts_with_one_key_are_one_order(armchair: Listing, api: APIClient) -> None:
    answers = run_at_once(
        50,
        lambda _: api.post(f"/api/listings/{armchair.pk}/buy/", headers={"Idempotency-Key": "one click"}),
    )
    order = Order.objects.get()
    assert {answer.status_code for answer in answers} == {202}
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[0].json()["id"] == str(order.pk)
    assert Counter(answer.headers.get("Idempotent-Replayed") for answer in answers) == {None: 1, "true": 49}
    assert OutboxMessage.objects.count() == 1


def test_fifty_posts_with_one_key_take_one_of_many(put_on_sale: Callable[..., Listing], bob: User) -> None:
    lamp = put_on_sale("Reading lamp", quantity=100)
    bought = run_at_once(
        50, lambda _: buy_listing(Purchase(lamp.pk, bob.pk, 2, new_trace(), idempotency_key="one click"))
    )
    assert {order.id for order, _ in bought} == {Order.objects.get().pk}
    assert Counter(replayed for _, replayed in bought) == {False: 1, True: 49}
    assert Listing.objects.get().available == 98
    assert OutboxMessage.objects.count() == 1


def test_two_requests_at_once_with_one_key_for_different_things_are_one_order_and_one_refusal(
    put_on_sale: Callable[..., Listing], api: APIClient
) -> None:
    lamp = put_on_sale("Reading lamp", quantity=100)
    statuses = run_at_once(
        8,
        lambda number: (
            api.post(
                f"/api/listings/{lamp.pk}/buy/",
                {"quantity": 1 + number},
                format="json",
                headers={"Idempotency-Key": "one click"},
            ).status_code
        ),
    )
    assert Counter(statuses) == {202: 1, 422: 7}
    assert Listing.objects.get().available == 100 - Order.objects.get().quantity
