"""Many checkouts at the very same moment, on real connections."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from listings.buying.checkout import Checkout, Item, check_out
from listings.buying.place import Purchase
from listings.buying.purchase import buy_listing
from listings.models import Listing, Order
from listings.refusals import CheckoutRefused
from microstore.messaging.models import OutboxMessage
from microstore.refusal import Refusal
from microstore.telemetry.tracing import new_trace
from tests.support.problem import read_problem
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db(transaction=True)

THREADS, EACH = 40, 5


@pytest.fixture
def last_three(put_on_sale: Callable[..., Listing]) -> list[Listing]:
    return [put_on_sale(title) for title in ("Crunchy armchair", "Reading lamp", "Half a chess set")]


def try_to_check_out(buyer: User, listings: list[Listing]) -> bool:
    items = [Item(listing.pk, 1) for listing in listings]
    try:
        check_out(Checkout(random.sample(items, len(items)), buyer.pk, new_trace()))
    except CheckoutRefused:
        return False
    return True


def test_two_hundred_checkouts_of_the_last_three_things_are_one_whole_checkout(
    last_three: list[Listing], make_user: Callable[..., User]
) -> None:
    buyers = [make_user() for _ in range(THREADS)]
    bought = run_at_once(
        THREADS, lambda number: [try_to_check_out(buyers[number], last_three) for _ in range(EACH)]
    )
    assert Counter(won for several in bought for won in several) == {True: 1, False: 199}
    assert list(Listing.objects.values_list("available", flat=True)) == [0, 0, 0]
    assert Order.objects.count() == OutboxMessage.objects.count() == 3
    assert Order.objects.values("checkout_id", "buyer_id").distinct().count() == 1


def test_checkouts_of_any_two_in_any_order_and_purchases_never_wait_for_each_other_nor_oversell(
    put_on_sale: Callable[..., Listing], make_user: Callable[..., User]
) -> None:
    lamps = [put_on_sale(f"Reading lamp {number}", quantity=60) for number in range(3)]
    buyers = [make_user() for _ in range(THREADS)]

    def shop(number: int) -> None:
        for _ in range(EACH):
            try_to_check_out(buyers[number], random.sample(lamps, 2))
            with suppress(Refusal):
                buy_listing(Purchase(random.choice(lamps).pk, buyers[number].pk, 1, new_trace()))

    run_at_once(THREADS, shop)
    for lamp in Listing.objects.all():
        ordered = Order.objects.filter(listing=lamp).count()
        assert (lamp.available, ordered) == (60 - ordered, 60 - lamp.available)
    assert Order.objects.count() == OutboxMessage.objects.count()
    sizes = Counter(Order.objects.exclude(checkout_id=None).values_list("checkout_id", flat=True))
    assert set(sizes.values()) == {2}


def test_fifty_checkouts_with_one_key_are_one_checkout(last_three: list[Listing], api: APIClient) -> None:
    body = {"items": [{"listing": listing.pk} for listing in last_three]}
    answers = run_at_once(
        50,
        lambda _: api.post("/api/checkouts/", body, format="json", headers={"Idempotency-Key": "one click"}),
    )
    assert {answer.status_code for answer in answers} == {202}
    assert {answer.content for answer in answers} == {answers[0].content}
    assert Counter(answer.headers.get("Idempotent-Replayed") for answer in answers) == {None: 1, "true": 49}
    assert Order.objects.count() == OutboxMessage.objects.count() == 3


def test_one_key_for_checkouts_of_different_things_at_once_is_one_of_them(
    put_on_sale: Callable[..., Listing], api: APIClient
) -> None:
    lamps = [put_on_sale(f"Reading lamp {number}", quantity=100) for number in range(8)]
    statuses = run_at_once(
        8,
        lambda number: (
            api.post(
                "/api/checkouts/",
                {"items": [{"listing": lamps[number].pk}, {"listing": lamps[number - 1].pk}]},
                format="json",
                headers={"Idempotency-Key": "one click"},
            ).status_code
        ),
    )
    assert Counter(statuses) == {202: 1, 422: 7}
    assert Order.objects.count() == 2


def test_a_buyer_who_is_no_more_buys_nothing(
    armchair: Listing, make_user: Callable[..., User], client_of: Callable[[User], APIClient]
) -> None:
    """The database says so at the end of the transaction, so this is no test inside of one."""
    gone = make_user()
    client = client_of(gone)
    gone.delete()
    answer = client.post("/api/checkouts/", {"items": [{"listing": armchair.pk}]}, format="json")
    assert read_problem(answer, 401)["type"] == "urn:microstore:problem:account-gone"
    assert Listing.objects.get().available == 1
