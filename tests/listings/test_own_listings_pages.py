"""A seller with many listings finds, changes and withdraws any of them in three steps."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from listings.catalogue import selling
from listings.models import Listing, ListingImage, Order
from listings.refunds.request import RefundRequest, request_refund
from listings.refunds.settle import complete_refunds
from listings.settling.complete import complete_orders
from microstore.telemetry.tracing import new_trace
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold, order_refunded
from tests.support.pages import address, text
from tests.support.pictures import picture, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

MANY, ORDERS = 200, 1_000


def fields_of(page: str) -> dict[str, str]:
    """What the form of a listing sends if nothing in it is changed."""
    start = page.index('name="edition"')
    form = page[start : page.index("</form>", start)]
    fields = dict(re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', form))
    for name, options in re.findall(r'<select name="(\w+)"(.*?)</select>', form, re.DOTALL):
        [(value, label)] = re.findall(r'<option(?: value="(\w+)")? selected>(\w+)', options)
        fields[name] = value or label
    [fields["description"]] = re.findall(r"<textarea[^>]*>([^<]*)", form)
    return fields


@pytest.fixture
def large_seller(put_on_sale: Callable[..., Listing], bob: User, make_user: Callable[..., User]) -> None:
    """MANY listings of hers, and ORDERS of them."""
    listings = [put_on_sale(f"Lamp number{number}", quantity=100) for number in range(MANY)]
    buyers = [bob, make_user("dora")]
    orders = (
        Order(
            buyer=buyers[number == ORDERS // 2],
            listing=listings[number % MANY],
            edition=1,
            quantity=1,
            unit_price_cents=24_900,
            currency="EUR",
            status="rejected",
            trace=new_trace(),
        )
        for number in range(ORDERS)
    )
    Order.objects.bulk_create(orders)


def follow(client: Client, page: str, path: str) -> str:
    assert f'href="{path}"' in page
    return text(client.get(path))


def search(client: Client, page: str, path: str, words: str) -> str:
    assert re.search(rf'<form class="filters" action="{path}".*?name="search".*?</form>', page, re.DOTALL)
    return text(client.get(path, {"search": words}))


def test_one_of_many_listings_is_edited_or_withdrawn_in_three_steps(
    seller: Client, large_seller: None
) -> None:
    oldest = Listing.objects.order_by("id")[0]
    sales = follow(seller, text(seller.get("/")), "/sales/")
    found = search(seller, sales, "/sales/listings/", "number0")
    assert re.findall(r'href="(/listings/\d+/edit/)"', found) == [f"/listings/{oldest.pk}/edit/"]
    given = fields_of(follow(seller, found, f"/listings/{oldest.pk}/edit/"))
    changed = given | {"title": "Lamp number0 with a new name", "price": "12,50", "quantity": "104"}
    assert (
        address(seller.post(f"/listings/{oldest.pk}/edit/", changed)) == f"/listings/{oldest.pk}/?published=1"
    )
    now = Listing.objects.get(id=oldest.pk)
    assert (now.title, now.price_cents, now.quantity) == ("Lamp number0 with a new name", 1_250, 104)
    form = found.partition(f'action="/listings/{oldest.pk}/withdraw/"')[2].partition("</form>")[0]
    kept = dict(re.findall(r'name="(next|query)" value="([^"]*)"', form))
    again = address(seller.post(f"/listings/{oldest.pk}/withdraw/", kept))
    assert again == f"/sales/listings/?search=number0#listing-{oldest.pk}"
    assert f'id="listing-{oldest.pk}"' in text(seller.get(again))
    assert f'action="/listings/{oldest.pk}/publish/"' in text(seller.get(again))


def test_one_of_many_orders_is_found_in_three_steps(seller: Client, large_seller: None) -> None:
    doras = Order.objects.get(buyer__username="dora")
    of_title = {str(order.pk) for order in Order.objects.filter(listing=doras.listing)}
    sales = follow(seller, text(seller.get("/")), "/sales/")
    for term, found in ((str(doras.pk), {str(doras.pk)}), ("dora", {str(doras.pk)}), ("number100", of_title)):
        page = search(seller, sales, "/sales/", term)
        assert set(re.findall(r'id="order-([0-9a-f-]+)"', page)) == found
    assert "All my sales" in follow(seller, page, f"/orders/{doras.pk}/")
    assert "No sales match." in search(seller, sales, "/sales/", "\0unicorn")


def test_nobody_finds_the_orders_of_another(shopper: Client, large_seller: None) -> None:
    doras = Order.objects.get(buyer__username="dora")
    for term in (str(doras.pk), "dora", "number100"):
        assert "order-" not in text(shopper.get("/sales/", {"search": term}))


def test_whatever_was_sent_as_a_search_leads_back_to_the_listings(seller: Client, armchair: Listing) -> None:
    sent = {"next": "own-listings", "query": "https://evil.example/?\r\nX: y&search=lamp"}
    back = address(seller.post(f"/listings/{armchair.pk}/withdraw/", sent))
    assert back.startswith("/sales/listings/?https%3A%2F%2Fevil.example%2F%3F%0D%0AX%3A+y=&search=lamp#")


def test_every_listing_is_reached_page_by_page(seller: Client, put_on_sale: Callable[..., Listing]) -> None:
    made = {put_on_sale(f"Lamp number{number}").pk for number in range(61)}
    seen, path = set[int](), "/sales/listings/"
    while path:
        page = text(seller.get(path))
        seen |= {int(number) for number in re.findall(r'href="/listings/(\d+)/edit/"', page)}
        more = re.search(r'href="([^"]+)" rel="next"', page)
        path = more[1].replace("&amp;", "&") if more else ""
    assert seen == made


def test_a_form_that_is_saved_as_it_is_changes_nothing(
    seller: Client, put_on_sale: Callable[..., Listing]
) -> None:
    listing = put_on_sale("Atlas", price_cents=1_234_50, quantity=3)
    before: dict[str, Any] = {**Listing.objects.values().get()}
    seller.post(f"/listings/{listing.pk}/edit/", fields_of(text(seller.get(f"/listings/{listing.pk}/edit/"))))
    after: dict[str, Any] = {**Listing.objects.values().get()}
    assert {name for name in before if before[name] != after[name]} <= {"edition", "updated_at"}


def test_a_change_made_elsewhere_is_not_undone_unseen(
    seller: Client, put_on_sale: Callable[..., Listing]
) -> None:
    listing = put_on_sale("Atlas")
    given = fields_of(text(seller.get(f"/listings/{listing.pk}/edit/")))
    seller.post(f"/listings/{listing.pk}/edit/", given | {"title": "Atlas of islands"})
    page = text(seller.post(f"/listings/{listing.pk}/edit/", given | {"title": "Atlas of seas"}), 400)
    assert "changed meanwhile" in page
    assert Listing.objects.get().title == "Atlas of islands"
    seller.post(f"/listings/{listing.pk}/edit/", fields_of(page))
    assert Listing.objects.get().title == "Atlas of seas"


@pytest.mark.parametrize(
    ("field", "value"), [("title", ""), ("price", "cheap"), ("quantity", "0"), ("quantity", "1")]
)
def test_what_cannot_be_saved_is_marked(
    seller: Client, bob: User, put_on_sale: Callable[..., Listing], field: str, value: str
) -> None:
    listing = put_on_sale("Atlas", quantity=3)
    for _ in range(2):
        order_one(listing, buyer_id=bob.pk)
    given = fields_of(text(seller.get(f"/listings/{listing.pk}/edit/")))
    page = text(seller.post(f"/listings/{listing.pk}/edit/", given | {field: value}), 400)
    assert f'id="{field}-wrong"' in page
    assert Listing.objects.get().edition == int(given["edition"])


def test_pictures_are_added_and_removed(seller: Client, armchair: Listing) -> None:
    pictures = {"image": [upload(picture()), upload(picture())]}
    assert address(seller.post(f"/listings/{armchair.pk}/pictures/", pictures)).endswith("#pictures")
    first, second = ListingImage.objects.filter(listing=armchair).order_by("id")
    seller.post(f"/listings/{armchair.pk}/pictures/{first.pk}/remove/")
    assert list(ListingImage.objects.filter(listing=armchair)) == [second]
    refused = seller.post(f"/listings/{armchair.pk}/pictures/", {"image": upload(b"no picture")})
    assert 'id="image-wrong"' in text(refused, 400)


def test_others_change_nothing(shopper: Client, armchair: Listing) -> None:
    image = ListingImage.objects.create(listing=armchair, large="a.jpg", small="b.jpg", width=1, height=1)
    for path in ("edit/", "pictures/", f"pictures/{image.pk}/remove/"):
        text(shopper.post(f"/listings/{armchair.pk}/{path}", {"title": "Mine", "edition": "1"}), 403)
    text(shopper.get(f"/listings/{armchair.pk}/edit/"), 403)
    armchair.refresh_from_db()
    assert armchair.title == "Crunchy armchair"
    assert "Crunchy armchair" not in text(shopper.get("/sales/listings/"))
    assert ListingImage.objects.exists()


def test_sales_are_added_up_and_those_of_one_listing_are_found(
    seller: Client, bob: User, put_on_sale: Callable[..., Listing]
) -> None:
    lamp, atlas = put_on_sale("Lamp", price_cents=1_000), put_on_sale("Atlas", price_cents=50, quantity=9)
    orders = [order_one(listing, buyer_id=bob.pk) for listing in (lamp, atlas, atlas)]
    complete_orders([item_sold(order.pk) for order in orders])
    assert Order.objects.filter(status="completed").count() == 3
    page = text(seller.get("/sales/"))
    assert "3 items in 3 completed orders: <strong>€11.00</strong>" in page
    assert "1 of 1 ordered" in page
    page = text(seller.get("/sales/", {"listing": str(atlas.pk)}))
    assert "2 items in 2 completed orders: <strong>€1.00</strong>" in page
    assert str(orders[0].pk) not in page
    assert "Sold out" in text(seller.get("/sales/listings/", {"in_stock": "false"}))


def test_what_was_refunded_of_a_sale_is_no_income_and_the_rest_is(
    seller: Client, alice: User, bob: User, put_on_sale: Callable[..., Listing]
) -> None:
    lamp = put_on_sale("Lamp", price_cents=1_000, quantity=9)
    orders = [order_one(lamp, buyer_id=bob.pk, quantity=pieces) for pieces in (3, 2)]
    complete_orders([item_sold(order.pk) for order in orders])
    for order, amount_cents in ((orders[0], 1_001), (orders[1], None)):  # a fee of one cent is in each
        asked = RefundRequest(
            order_id=order.pk,
            requested_by_id=alice.pk,
            reason="A leg is loose",
            amount_cents=amount_cents,
            return_quantity=1,
        )
        complete_refunds([order_refunded(request_refund(asked)[0])])
    assert "2 items in 1 completed order: <strong>€20.00</strong>" in text(seller.get("/sales/"))


@pytest.mark.parametrize(
    ("step", "path"),
    [("draw_picture", "pictures/"), ("edit_listing", "edit/"), ("remove_image", "pictures/1/remove/")],
)
def test_what_is_deleted_at_this_moment_is_no_fault_of_ours(
    seller: Client, armchair: Listing, monkeypatch: pytest.MonkeyPatch, step: str, path: str
) -> None:
    take = getattr(selling, step)

    def delete_and_take(*args: Any, **options: Any) -> Any:
        Listing.objects.all().delete()
        return take(*args, **options)

    given = fields_of(text(seller.get(f"/listings/{armchair.pk}/edit/"))) | {"image": upload(picture())}
    monkeypatch.setattr(selling, step, delete_and_take)
    assert seller.post(f"/listings/{armchair.pk}/{path}", given).status_code in (400, 404)


def test_pictures_are_put_in_another_order_without_a_script(
    seller: Client, put_on_sale: Callable[..., Listing]
) -> None:
    lamp = put_on_sale("Lamp")
    first, second, third = (
        ListingImage.objects.create(listing=lamp, large=f"{n}.jpg", small="s.jpg", width=1, height=1).pk
        for n in range(3)
    )
    edit = f"/listings/{lamp.pk}/edit/"
    for image, way, expected in (
        (third, "earlier", [first, third, second]),
        (first, "later", [third, first, second]),
        (third, "earlier", [third, first, second]),  # it is the first one already
    ):
        action = f"/listings/{lamp.pk}/pictures/{image}/{way}/"
        assert address(seller.post(action)) == f"{edit}#picture-{image}"
        assert list(lamp.images.values_list("pk", flat=True)) == expected
    page = text(seller.get(edit))
    assert f'id="picture-{first}"' in page
    assert f'action="/listings/{lamp.pk}/pictures/{third}/earlier/"' not in page
    assert f'action="/listings/{lamp.pk}/pictures/{first}/earlier/"' in page
    assert 'aria-label="Move picture 2 forward"' in page
    lamp.refresh_from_db()
    assert lamp.picture_id == third
    added = ListingImage.objects.create(listing=lamp, large="new.jpg", small="s.jpg", width=1, height=1)
    assert list(lamp.images.all())[-1] == added


def test_nobody_moves_the_pictures_of_others(shopper: Client, put_on_sale: Callable[..., Listing]) -> None:
    lamp = put_on_sale("Lamp")
    for _ in range(2):
        image = ListingImage.objects.create(listing=lamp, large="a.jpg", small="s.jpg", width=1, height=1)
    text(shopper.post(f"/listings/{lamp.pk}/pictures/{image.pk}/earlier/"), 403)
    assert list(lamp.images.all())[-1] == image
