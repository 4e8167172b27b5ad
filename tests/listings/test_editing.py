"""Sellers change what they sell, and nobody overwrites what somebody else has just written."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from listings.models import Listing, Order
from tests.support.problem import Answer, read_problem
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(alice: User, client_of: Callable[[User], APIClient]) -> APIClient:
    return client_of(alice)


def edit(client: APIClient, listing: Listing, changes: dict[str, Any], edition: str | None = '"1"') -> Answer:
    headers = {} if edition is None else {"If-Match": edition}
    response: Answer = client.patch(f"/api/listings/{listing.pk}/", changes, format="json", headers=headers)
    return response


def stock(listing: Listing) -> tuple[int, int]:
    return Listing.objects.values_list("quantity", "available").get(pk=listing.pk)


def test_what_is_edited_is_changed_and_the_rest_is_not(seller: APIClient, armchair: Listing) -> None:
    before = seller.get(f"/api/listings/{armchair.pk}/")
    changes = {"title": "Quiet armchair", "price_cents": 9_900}
    response = edit(seller, armchair, changes, before.headers["ETag"])
    assert response.status_code == 200
    assert response.json() == before.json() | changes | {"updated_at": response.json()["updated_at"]}
    assert (before.headers["ETag"], response.headers["ETag"]) == ('"1"', '"2"')


def test_of_two_editors_the_slower_one_is_told(seller: APIClient, armchair: Listing) -> None:
    assert edit(seller, armchair, {"title": "Quiet armchair"}).status_code == 200
    read_problem(edit(seller, armchair, {"title": "Loud armchair"}), 412)
    assert Listing.objects.get().title == "Quiet armchair"


@pytest.mark.django_db(transaction=True)
def test_of_many_editors_at_once_one_wins(seller: APIClient, armchair: Listing) -> None:
    statuses = run_at_once(6, lambda number: edit(seller, armchair, {"title": f"No. {number}"}).status_code)
    assert sorted(statuses) == [200] + 5 * [412]


@pytest.mark.parametrize(
    ("edition", "status"),
    [(None, 428), ("*", 200), ('"7", "1"', 200), ('W/"1"', 412), ('"armchair"', 412), ("", 412)],
)
def test_an_edit_says_what_it_changes(
    seller: APIClient, armchair: Listing, edition: str | None, status: int
) -> None:
    assert edit(seller, armchair, {"title": "Quiet armchair"}, edition).status_code == status


def test_a_purchase_makes_no_new_edition(seller: APIClient, api: APIClient, armchair: Listing) -> None:
    api.post(f"/api/listings/{armchair.pk}/buy/")
    assert edit(seller, armchair, {"title": "Quiet armchair"}).status_code == 200


@pytest.mark.parametrize(
    ("quantity", "status", "left"), [(10, 200, (10, 7)), (3, 200, (3, 0)), (2, 409, (5, 2)), (5, 200, (5, 2))]
)
def test_stock_changes_by_as_much_as_the_quantity_and_never_below_what_is_ordered(
    seller: APIClient, put_on_sale: Callable[..., Listing], quantity: int, status: int, left: tuple[int, int]
) -> None:
    lamp = put_on_sale("Reading lamp", quantity=5, available=2)
    response = edit(seller, lamp, {"quantity": quantity, "title": "Lamp"})
    assert response.status_code == status
    assert stock(lamp) == left
    assert (Listing.objects.get().title == "Lamp") == (status == 200)


@pytest.mark.django_db(transaction=True)
def test_stock_that_is_changed_while_people_buy_adds_up(
    seller: APIClient, api: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    lamp = put_on_sale("Reading lamp", quantity=10)

    def act(number: int) -> None:
        if number % 2:
            api.post(f"/api/listings/{lamp.pk}/buy/")
        else:
            edit(seller, lamp, {"quantity": 20 + number}, "*")

    run_at_once(8, act)
    quantity, available = stock(lamp)
    assert quantity >= 20
    assert quantity - available == Order.objects.count() == 4


@pytest.mark.parametrize(
    "changes", [{"price_cents": 0}, {"title": ""}, {"draft": True}, {"available": 9}, {"status": "on_sale"}]
)
def test_what_may_not_be_changed_is_refused(
    seller: APIClient, armchair: Listing, changes: dict[str, Any]
) -> None:
    assert list(read_problem(edit(seller, armchair, changes), 400)["errors"]) == list(changes)
    assert Listing.objects.get().edition == 1


def test_a_draft_is_published_and_withdrawn(
    seller: APIClient, anybody: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    url = f"/api/listings/{put_on_sale(status='draft').pk}/"
    for action, status, seen in (("publish", "on_sale", 200), ("withdraw", "withdrawn", 404)):
        assert seller.post(f"{url}{action}/").json()["status"] == status
        assert anybody.get(url).status_code == seen
    read_problem(seller.post(f"{url}publish/", headers={"If-Match": '"1"'}), 412)


def test_what_is_withdrawn_cannot_be_bought(seller: APIClient, api: APIClient, armchair: Listing) -> None:
    seller.post(f"/api/listings/{armchair.pk}/withdraw/")
    read_problem(api.post(f"/api/listings/{armchair.pk}/buy/"), 404)


def test_what_nobody_has_ordered_is_deleted(seller: APIClient, armchair: Listing) -> None:
    url = f"/api/listings/{armchair.pk}/"
    read_problem(seller.delete(url, headers={"If-Match": '"7"'}), 412)
    assert seller.delete(url).status_code == 204
    assert not Listing.objects.exists()
    read_problem(seller.delete(url), 404)


def test_what_has_orders_is_withdrawn_instead(seller: APIClient, api: APIClient, armchair: Listing) -> None:
    order_url = api.post(f"/api/listings/{armchair.pk}/buy/").json()["status_url"]
    response = seller.delete(f"/api/listings/{armchair.pk}/")
    assert (response.status_code, response.json()["status"]) == (200, "withdrawn")
    assert api.get(order_url).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_what_is_deleted_while_somebody_buys_it_has_an_order_or_is_gone(
    seller: APIClient, api: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    for _ in range(5):
        url = f"/api/listings/{put_on_sale().pk}/"

        def act(number: int, url: str = url) -> int:
            return int((seller.delete(url) if number else api.post(f"{url}buy/")).status_code)

        bought, deleted = run_at_once(2, act)
        assert (bought, deleted) in ((202, 200), (404, 204))


def test_categories_are_listed(anybody: APIClient) -> None:
    categories = anybody.get("/api/categories/").json()
    assert {"id": "furniture", "name": "Furniture"} in categories
