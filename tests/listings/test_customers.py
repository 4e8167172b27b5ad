"""Staff find a customer, any order with its messages and its money, and leave notes."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from listings.catalogue.reports import report_listing
from listings.models import CustomerNote, Listing, Order
from listings.settling.complete import complete_orders
from microstore.messaging.dead_letters import store
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold
from tests.support.pages import address, text
from tests.support.roles import client_as

pytestmark = pytest.mark.django_db
QUERIES_OF_A_CUSTOMER = 14


def customer(user: User) -> str:
    return f"/admin/auth/user/{user.pk}/customer/"


@pytest.fixture
def order(armchair: Listing, bob: User) -> Order:
    made = order_one(armchair, buyer_id=bob.pk)
    complete_orders([item_sold(made.pk)])
    return Order.objects.get(pk=made.pk)


def test_staff_find_an_order_its_messages_and_its_money_in_three_steps(
    order: Order, settings: Settings
) -> None:
    settings.PEER_ADMIN_URLS = {"transactions": "https://transactions.example"}
    store.dead_letter(
        contract="item_sold", payload={"trace": order.trace}, error=ValueError("why"), attempts=3
    )
    client = client_as("operations")
    assert '<form class="staff-search" action="/admin/trace/"' in text(client.get("/admin/"))
    listed = address(client.get("/admin/trace/", {"q": " bob "}))
    assert listed == "/admin/listings/order/?q=bob"
    found = text(client.get(listed))
    [change] = set(re.findall(rf'href="(/admin/listings/order/{order.pk}/change/)[^"]*"', found))
    page = text(client.get(change))
    assert order.total_cents is not None
    assert f"{order.total_cents / 100:.2f} EUR" in page
    money = f"https://transactions.example/admin/transactions/transaction/{order.transaction_id}/change/"
    assert f'href="{money}"' in page
    trace = re.search(r'href="(/admin/trace/[^"]+)"', page)
    assert trace
    kinds = {row.kind for row in client.get(trace[1]).context["trace"].found}
    assert {"order", "dead letter"} <= kinds


def test_a_name_is_searched_for_by_those_alone_who_may_see_orders(order: Order) -> None:
    assert "neither a trace id" in text(client_as("nobody").get("/admin/trace/", {"q": "bob"}))


def test_the_page_of_a_customer_has_orders_listings_reports_and_what_happened(
    order: Order, armchair: Listing, alice: User, bob: User
) -> None:
    report_listing(armchair.pk, reporter_id=bob.pk, reason="fraud", text="Too cheap.")
    client = client_as("support")
    assert customer(bob) in text(client.get("/admin/auth/user/", {"q": "bob"}))
    change = text(client.get(f"/admin/listings/order/{order.pk}/change/"))
    assert customer(bob) in change
    assert customer(alice) in change
    of_bob, of_alice = text(client.get(customer(bob))), text(client.get(customer(alice)))
    for page in (of_bob, of_alice):
        assert f"/admin/listings/order/{order.pk}/change/" in page
        assert "Too cheap." in page
    assert f"/admin/listings/listing/{armchair.pk}/change/" in of_alice
    assert f"/admin/auth/user/{bob.pk}/customer/" in of_alice  # the buyer of the sale


def test_notes_are_added_by_support_and_read_by_the_next(bob: User) -> None:
    client = client_as("support")
    assert address(client.post(customer(bob), {"note": " Called about a late parcel. "})) == customer(bob)
    note = CustomerNote.objects.get()
    assert (note.user, note.by, note.text) == (bob, "one-of-support", "Called about a late parcel.")
    assert "Called about a late parcel." in text(client_as("operations").get(customer(bob)))
    for nothing in ("", "  ", "a\0b"):
        client.post(customer(bob), {"note": nothing})
    assert CustomerNote.objects.count() == 1


def test_a_role_sees_of_a_customer_what_it_sees_elsewhere(order: Order, armchair: Listing, bob: User) -> None:
    report_listing(armchair.pk, reporter_id=bob.pk, reason="fraud", text="Too cheap.")
    CustomerNote.objects.create(user=bob, by="carol", text="Called about a late parcel.")
    User.objects.filter(pk=bob.pk).update(email="bob@secret.example")
    client = client_as("finance")
    page = text(client.get(customer(bob)))
    assert str(order.pk) in page
    for unseen in ("Too cheap.", "late parcel", "bob@secret.example", "staff-note"):
        assert unseen not in page
    assert client.post(customer(bob), {"note": "Mine"}).status_code == 403
    assert CustomerNote.objects.count() == 1


def test_shoppers_are_no_staff_and_nobody_is_no_customer(shopper: Client, bob: User) -> None:
    assert "/login/" in address(shopper.get(customer(bob)))
    client = client_as("support")
    for user_id in (987_654_321, 999_999_999):
        assert client.get(f"/admin/auth/user/{user_id}/customer/").status_code == 404


@pytest.mark.parametrize("many", [1, 5])
def test_a_customer_costs_the_same_however_much_they_bought(
    armchair: Listing, bob: User, many: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Listing.objects.update(quantity=many, available=many)
    for _ in range(many):
        order_one(armchair, buyer_id=bob.pk)
    CustomerNote.objects.bulk_create(CustomerNote(user=bob, by="carol", text="?") for _ in range(many))
    client = client_as("admin")
    with django_assert_num_queries(QUERIES_OF_A_CUSTOMER):
        client.get(customer(bob))
