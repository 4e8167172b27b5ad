"""An order shows what was sold, whatever its seller makes of the listing afterwards."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import ProtectedError
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from listings import messages
from listings.accounts.models import Profile
from listings.catalogue.moderation import withdraw_listing
from listings.models import Listing, ListingEdition, ListingImage, Order
from listings.notifications import tasks as notifications
from listings.settling.complete import complete_orders
from listings.websockets.order_events import read_orders
from microstore.messaging.models import OutboxMessage
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold
from tests.support.pages import text
from tests.support.pictures import picture, upload
from tests.support.roles import client_as
from tests.support.threads import run_at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

WATCH = {
    "title": "Gold watch of 1921",
    "description": "It runs, and has its papers.",
    "category": "art",
}
PHOTO = {"title": "Photo of a watch", "description": "On paper.", "category": "other"}


@pytest.fixture
def selling(alice: User, client_of: Callable[[User], APIClient]) -> APIClient:
    return client_of(alice)


@pytest.fixture
def watch(put_on_sale: Callable[..., Listing]) -> Listing:
    return put_on_sale(quantity=5, **WATCH)


@pytest.fixture
def order(bob: User, watch: Listing) -> Order:
    """Bob's watch, which his seller then makes a photo of."""
    order = order_one(watch, buyer_id=bob.pk)
    rewrite(watch)
    return order


def rewrite(listing: Listing, **values: Any) -> None:
    Listing.objects.filter(pk=listing.pk).update(**(values or PHOTO))


def add_picture(client: APIClient, listing: Listing) -> ListingImage:
    sent = client.post(
        f"/api/listings/{listing.pk}/images/", {"image": upload(picture())}, format="multipart"
    )
    return ListingImage.objects.get(pk=sent.json()["id"])


def remove(client: APIClient, listing: Listing, image: ListingImage) -> None:
    assert client.delete(f"/api/listings/{listing.pk}/images/{image.pk}/").status_code == 204


def of_the_item(shown: Any) -> dict[str, Any]:
    return {name: shown[name] for name in WATCH}


def test_the_message_of_a_purchase_carries_what_was_sold(
    bob: User, watch: Listing, selling: APIClient
) -> None:
    image = add_picture(selling, watch)
    order_one(watch, buyer_id=bob.pk)
    sent = OutboxMessage.objects.get().payload
    assert of_the_item(sent) == WATCH
    assert sent["picture"] == f"/pictures/{image.pk}/large.jpg"


@pytest.mark.parametrize("people", ["buyer", "seller"])
def test_the_api_and_the_pages_show_it_to_both(
    order: Order, api: APIClient, selling: APIClient, shopper: Client, seller: Client, people: str
) -> None:
    client, browser = (api, shopper) if people == "buyer" else (selling, seller)
    shown = client.get(f"/api/orders/{order.pk}/").json()
    assert of_the_item(shown | {"title": shown["listing_title"]}) == WATCH
    assert client.get("/api/orders/").json()["results"] == [shown]
    page = text(browser.get(f"/orders/{order.pk}/"))
    assert all(part in page for part in (WATCH["title"], WATCH["description"], "Art", "As sold"))
    lists = [text(browser.get("/orders/" if people == "buyer" else "/sales/"))]
    assert all(WATCH["title"] in each for each in lists)
    assert not any(PHOTO["title"] in each for each in [page] + (lists if people == "buyer" else []))


def test_the_page_that_asks_before_cancelling_shows_it(order: Order, shopper: Client) -> None:
    page = text(shopper.get(f"/orders/{order.pk}/cancel/"))
    assert WATCH["title"] in page
    assert PHOTO["title"] not in page


def test_staff_see_it_in_the_admin(order: Order) -> None:
    staff = client_as("admin")
    page = text(staff.get(f"/admin/listings/order/{order.pk}/change/"))
    assert all(part in page for part in (WATCH["title"], WATCH["description"]))
    orders = text(staff.get("/admin/listings/order/"))
    assert WATCH["title"] in orders
    assert PHOTO["title"] not in orders


def test_notifications_and_mails_are_about_it(order: Order, alice: User, bob: User) -> None:
    User.objects.filter(pk__in=[alice.pk, bob.pk]).update(email="both@shop.example")
    Profile.objects.bulk_create(
        Profile(user=each, verified_email="both@shop.example") for each in (alice, bob)
    )
    notifications.order_completed(complete_orders([item_sold(order.pk)]))
    assert len(mail.outbox) == 2
    for message in mail.outbox:
        assert WATCH["title"] not in str(message.subject)
        assert WATCH["title"] in str(message.body)


@pytest.mark.parametrize("rule", ["2026-11/EUR/art", ""], ids=["of now", "of a sender without it"])
def test_the_schedule_of_the_fee_is_kept_and_shown_everywhere(
    order: Order, api: APIClient, shopper: Client, rule: str
) -> None:
    complete_orders([item_sold(order.pk).model_copy(update={"fee_rule": rule})])
    shown = api.get(f"/api/orders/{order.pk}/").json()
    [event] = read_orders({str(order.pk): 17})
    assert shown["fee_rule"] == event["fee_rule"] == rule
    page = text(shopper.get(f"/orders/{order.pk}/"))
    assert (f"fee schedule {rule}" in page) == bool(rule)
    assert rule in text(client_as("admin").get(f"/admin/listings/order/{order.pk}/change/"))


@pytest.mark.parametrize("build", [messages.order_created, messages.order_cancelled])
def test_a_message_that_is_sent_again_says_what_the_first_one_said(order: Order, build: Any) -> None:
    first = OutboxMessage.objects.get().payload
    again = build(Order.objects.select_related("listing").get()).model_dump(mode="json")
    assert of_the_item(again) == of_the_item(first) == WATCH


def test_whoever_changes_the_listing_the_order_stays(bob: User, watch: Listing) -> None:
    """By the admin's form, by a statement, by staff: nobody has to think of it."""
    first = order_one(watch, buyer_id=bob.pk)
    form = {"seller": watch.seller_id, "price_cents": 1, "currency": "EUR", **PHOTO}
    page = client_as("admin").post(f"/admin/listings/listing/{watch.pk}/change/", form)
    assert page.status_code == 302
    second = order_one(watch, buyer_id=bob.pk)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE listings_listing SET title = 'Nothing', description = ''")
    third = order_one(watch, buyer_id=bob.pk)
    withdraw_listing(watch.pk, by="carol", reason="it is nothing")
    titles = [Order.objects.get(pk=each.pk).item.title for each in (first, second, third)]
    assert titles == [WATCH["title"], PHOTO["title"], "Nothing"]


def test_an_edition_that_nobody_ordered_is_not_kept(watch: Listing, bob: User) -> None:
    rewrite(watch)
    assert not ListingEdition.objects.exists()
    order_one(watch, buyer_id=bob.pk)
    rewrite(watch, title="Another photo")
    rewrite(watch, title="A third")
    assert [edition.title for edition in ListingEdition.objects.all()] == [PHOTO["title"]]


def test_the_first_picture_is_kept_when_its_seller_removes_it(
    bob: User, watch: Listing, api: APIClient, selling: APIClient, anybody: APIClient, shopper: Client
) -> None:
    first, second = add_picture(selling, watch), add_picture(selling, watch)
    known = [str(first.large.name), str(first.small.name)]
    order = order_one(watch, buyer_id=bob.pk)
    for image in (first, second):
        remove(selling, watch, image)
    kept = ListingImage.objects.get()
    assert (kept.pk, kept.listing) == (first.pk, None)
    assert not any(default_storage.exists(name) for name in known), "Whoever knew the name finds nothing."
    shown = api.get(f"/api/orders/{order.pk}/").json()["picture_url"]
    assert shown.endswith(f"/pictures/{first.pk}/large.jpg")
    assert f"/pictures/{first.pk}/small.jpg" in text(shopper.get("/orders/"))
    for client, status in ((api, 200), (selling, 200), (anybody, 404), (client_as("finance"), 404)):
        assert client.get(shown).status_code == status
    assert selling.get(f"/api/listings/{watch.pk}/").json()["images"] == []
    with pytest.raises(ProtectedError):
        kept.delete()


def test_a_picture_that_no_order_shows_is_deleted(
    bob: User, watch: Listing, selling: APIClient, media: None
) -> None:
    order_one(watch, buyer_id=bob.pk)
    image = add_picture(selling, watch)
    remove(selling, watch, image)
    assert not ListingImage.objects.exists()
    assert not default_storage.exists(str(image.large.name))
    assert Order.objects.get().item.picture_id is None


def test_a_new_first_picture_does_not_come_into_earlier_orders(
    bob: User, watch: Listing, selling: APIClient, api: APIClient
) -> None:
    first = add_picture(selling, watch)
    order = order_one(watch, buyer_id=bob.pk)
    remove(selling, watch, first)
    second = add_picture(selling, watch)
    later = order_one(watch, buyer_id=bob.pk)
    pictures = {each["id"]: each["picture_url"] for each in api.get("/api/orders/").json()["results"]}
    assert f"/{first.pk}/" in pictures[str(order.pk)]
    assert f"/{second.pk}/" in pictures[str(later.pk)]


def test_pictures_in_another_order_do_not_change_earlier_orders(
    bob: User, watch: Listing, selling: APIClient, api: APIClient, anybody: APIClient
) -> None:
    first, second = add_picture(selling, watch), add_picture(selling, watch)
    order = order_one(watch, buyer_id=bob.pk)
    path = f"/api/listings/{watch.pk}/images/order/"
    answer = selling.put(path, {"images": [second.pk, first.pk]}, format="json")
    assert [image["id"] for image in answer.json()] == [second.pk, first.pk]
    shown = anybody.get(f"/api/listings/{watch.pk}/").json()["images"]
    assert [image["id"] for image in shown] == [second.pk, first.pk]
    assert f"/{first.pk}/" in api.get(f"/api/orders/{order.pk}/").json()["picture_url"]
    later = order_one(watch, buyer_id=bob.pk)
    assert f"/{second.pk}/" in api.get(f"/api/orders/{later.pk}/").json()["picture_url"]
    for ids in ([first.pk], [first.pk, first.pk], [first.pk, second.pk, 1]):
        assert selling.put(path, {"images": ids}, format="json").status_code == 412
    assert api.put(path, {"images": [first.pk, second.pk]}, format="json").status_code == 403
    watch.refresh_from_db()
    assert (watch.picture_id, watch.edition) == (second.pk, 3)


def test_the_buyer_sees_the_picture_of_what_staff_withdrew(
    bob: User, watch: Listing, selling: APIClient, api: APIClient, anybody: APIClient
) -> None:
    add_picture(selling, watch)
    order = order_one(watch, buyer_id=bob.pk)
    withdraw_listing(watch.pk, by="carol", reason="stolen")
    shown = api.get(f"/api/orders/{order.pk}/").json()["picture_url"]
    assert api.get(shown).status_code == 200
    assert anybody.get(shown).status_code == 404


def test_an_order_of_an_earlier_release_shows_the_listing_as_it_is_and_says_so(
    order: Order, shopper: Client, api: APIClient
) -> None:
    Order.objects.update(edition=None)
    assert api.get(f"/api/orders/{order.pk}/").json()["listing_title"] == PHOTO["title"]
    for path in ("/orders/", f"/orders/{order.pk}/"):
        assert "older than our copies" in text(shopper.get(path))


def test_pages_of_orders_cost_no_more_for_what_they_keep(
    bob: User, put_on_sale: Any, selling: APIClient, api: APIClient, shopper: Client,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    for number in range(6):
        listing = put_on_sale(f"Lamp {number}", quantity=3)
        image = add_picture(selling, listing)
        order_one(listing, buyer_id=bob.pk)
        if number % 2:
            remove(selling, listing, image)
    shopper.get("/orders/")
    with django_assert_max_num_queries(5):
        page = text(shopper.get("/orders/"))
    assert all(f"Lamp {number}" in page for number in range(6))
    with django_assert_max_num_queries(3):
        assert len(api.get("/api/orders/").json()["results"]) == 6


def test_pictures_of_listings_that_were_there_before_are_filled_in(
    watch: Listing, selling: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    first, _ = add_picture(selling, watch), add_picture(selling, watch)
    bare = put_on_sale("Lamp without a picture")
    edition = Listing.objects.get(pk=watch.pk).edition
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE listings_listing DISABLE TRIGGER USER")
        cursor.execute("UPDATE listings_listing SET picture_id = NULL")
        migration = import_module("listings.migrations.0020_keep_sold_editions")
        for _ in range(2):  # broken off and run again
            migration.fill_pictures(None, type("Editor", (), {"connection": connection}))
        cursor.execute("ALTER TABLE listings_listing ENABLE TRIGGER USER")
    filled = dict(Listing.objects.values_list("pk", "picture_id"))
    assert filled == {watch.pk: first.pk, bare.pk: None}
    assert Listing.objects.get(pk=watch.pk).edition == edition


def test_purchases_and_edits_at_the_same_moment_agree_on_what_was_sold(bob: User, watch: Listing) -> None:
    Listing.objects.filter(pk=watch.pk).update(quantity=1_000, available=1_000)

    def act(number: int) -> None:
        for step in range(6):
            if number % 3:
                order_one(watch, buyer_id=bob.pk)
            else:
                rewrite(watch, title=f"Watch {number}-{step}")

    run_at_once(6, act)
    sent = {message.payload["order_id"]: message.payload["title"] for message in OutboxMessage.objects.all()}
    kept = {str(order.pk): order.item.title for order in Order.objects.select_related("listing")}
    assert len(kept) == 24
    assert kept == sent


steps = st.lists(
    st.one_of(
        st.just(("buy", "")),
        st.tuples(st.sampled_from(["title", "description"]), st.text("äbc", min_size=1, max_size=3)),
        st.tuples(st.just("picture"), st.sampled_from(["add", "remove"])),
    ),
    max_size=12,
)


@pytest.mark.django_db
@settings(max_examples=25)
@given(steps=steps)
def test_whatever_happens_to_a_listing_its_orders_show_it_as_it_was(
    bob: User, put_on_sale: Callable[..., Listing], steps: list[tuple[str, str]]
) -> None:
    listing = put_on_sale(quantity=100)
    sold: dict[Any, tuple[Any, ...]] = {}
    for kind, value in steps:
        if kind == "buy":
            order = order_one(listing, buyer_id=bob.pk)
            now = Listing.objects.get(pk=listing.pk)
            sold[order.pk] = (now.title, now.description, now.picture_id)
        elif value == "add":
            ListingImage.objects.create(listing=listing, large="a.jpg", small="b.jpg", width=1, height=1)
        elif value == "remove":
            first = ListingImage.objects.filter(listing=listing)[:1]
            ListingImage.objects.filter(pk__in=[image.pk for image in first]).update(listing=None)
        else:
            rewrite(listing, **{kind: value})
    pictures = ListingImage.objects.filter(listing=listing).values_list("pk", flat=True)
    assert Listing.objects.get(pk=listing.pk).picture_id == min(pictures, default=None)
    kept = Order.objects.filter(listing=listing)
    assert {o.pk: (o.item.title, o.item.description, o.item.picture_id) for o in kept} == sold


def test_the_order_on_a_websocket_has_its_picture(selling: APIClient, watch: Listing, bob: User) -> None:
    image = add_picture(selling, watch)
    order = order_one(Listing.objects.get(pk=watch.pk), buyer_id=bob.pk)
    [event] = read_orders({str(order.pk): 17})
    assert event["picture_url"] == f"/pictures/{image.pk}/large.jpg"
    assert (event["listing_title"], event["seq"]) == (WATCH["title"], 17)
