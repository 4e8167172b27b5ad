"""A request that is repeated is answered again, not done again."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from listings.models import Listing, Order
from listings.settling.complete import complete_orders
from listings.settling.release import reject_orders
from tests.listings.replies import item_sold, order_rejected
from tests.support.problem import Answer, read_problem
from tests.support.rows import count_rows
from tests.support.standby import standby_away, wait_for_unconfirmed
from tests.support.threads import other_threads

pytestmark = pytest.mark.django_db


@pytest.fixture
def lamp(put_on_sale: Callable[..., Listing]) -> Listing:
    return put_on_sale("Reading lamp", quantity=10)


def buy(client: APIClient, listing: Listing, *, key: str | None, body: object = None) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(f"/api/listings/{listing.pk}/buy/", body, format="json", headers=headers)


def assert_replayed(again: Answer, first: Answer) -> None:
    assert again.status_code == 202
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_repeated_purchase_gets_the_first_answer(api: APIClient, lamp: Listing) -> None:
    first = buy(api, lamp, key="click")
    before = count_rows()
    assert_replayed(buy(api, lamp, key="click"), first)
    assert count_rows() == before
    assert Listing.objects.get().available == 9


@pytest.mark.django_db(transaction=True)
def test_a_repeat_is_answered_once_the_standby_has_the_order(api: APIClient, lamp: Listing) -> None:
    """It writes nothing: no commit of its own waits. Until then the order may be lost with the primary."""
    first = buy(api, lamp, key="click")
    with other_threads() as start:
        with standby_away():
            again = start(lambda: buy(api, lamp, key="click"))
            wait_for_unconfirmed()
            assert not again.done()
        assert_replayed(again.result(), first)


def test_a_repeat_keeps_the_trace_of_the_first(api: APIClient, lamp: Listing) -> None:
    first = buy(api, lamp, key="click")
    again = buy(api, lamp, key="click")
    assert again.json()["trace_id"] == first.headers["X-Trace-Id"] != again.headers["X-Trace-Id"]


@pytest.mark.parametrize(
    "settle",
    [
        lambda order: complete_orders([item_sold(order.pk)]),
        lambda order: reject_orders([order_rejected(order.pk)]),
    ],
    ids=["completed", "rejected"],
)
def test_a_repeat_gets_the_first_answer_when_the_order_has_been_settled(
    api: APIClient, lamp: Listing, settle: Callable[[Order], object]
) -> None:
    first = buy(api, lamp, key="click")
    settle(Order.objects.get())
    assert_replayed(buy(api, lamp, key="click"), first)


def test_a_repeat_gets_the_first_answer_when_it_has_sold_out_meanwhile(
    api: APIClient, armchair: Listing
) -> None:
    first = buy(api, armchair, key="click")
    assert_replayed(buy(api, armchair, key="click"), first)


@pytest.mark.parametrize("status", [Listing.Status.DRAFT, Listing.Status.WITHDRAWN])
def test_a_repeat_gets_the_first_answer_when_it_has_been_withdrawn_meanwhile(
    api: APIClient, lamp: Listing, status: str
) -> None:
    first = buy(api, lamp, key="click")
    Listing.objects.update(status=status)
    assert_replayed(buy(api, lamp, key="click"), first)


def test_what_is_left_out_is_the_same_as_its_default(api: APIClient, lamp: Listing) -> None:
    first = buy(api, lamp, key="click", body={"quantity": 1})
    assert_replayed(buy(api, lamp, key="click", body={}), first)


def test_a_key_stands_for_one_quantity(api: APIClient, lamp: Listing) -> None:
    buy(api, lamp, key="click")
    before = count_rows()
    problem = read_problem(buy(api, lamp, key="click", body={"quantity": 2}), 422)
    assert problem["type"] == "urn:microstore:problem:key-reused"
    assert count_rows() == before
    assert Listing.objects.get().available == 9


def test_a_key_stands_for_one_listing(
    api: APIClient, lamp: Listing, put_on_sale: Callable[..., Listing]
) -> None:
    radio = put_on_sale("Radio with one station")
    buy(api, lamp, key="click")
    before = count_rows()
    read_problem(buy(api, radio, key="click"), 422)
    assert count_rows() == before
    assert Listing.objects.get(pk=radio.pk).available == 1


def test_a_refused_purchase_leaves_its_key_free(
    api: APIClient, armchair: Listing, put_on_sale: Callable[..., Listing]
) -> None:
    radio = put_on_sale("Radio with one station", quantity=1, available=0)
    assert buy(api, radio, key="click").status_code == 409
    assert buy(api, armchair, key="click").status_code == 202


def test_another_buyer_may_use_the_same_key(
    api: APIClient, lamp: Listing, make_user: Callable[..., User], client_of: Callable[[User], APIClient]
) -> None:
    answers = [buy(client, lamp, key="click") for client in (api, client_of(make_user()))]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["id"] != answers[1].json()["id"]
    assert "Idempotent-Replayed" not in answers[1].headers


def test_other_keys_are_other_orders(api: APIClient, lamp: Listing) -> None:
    for key in ("click", "Click", "click ck", "c" * 255, "!", "~", None, None):
        answer = buy(api, lamp, key=key)
        assert answer.status_code == 202
        assert "Idempotent-Replayed" not in answer.headers
    assert Order.objects.count() == 8


@pytest.mark.parametrize("key", ["", "c" * 256, "schlüssel", "tab\tin it", "\x7f", "\x00"])
def test_an_invalid_key_is_refused(api: APIClient, lamp: Listing, key: str) -> None:
    before = count_rows()
    problem = read_problem(buy(api, lamp, key=key), 400)
    assert "Idempotency-Key" in problem["errors"]
    assert count_rows() == before
