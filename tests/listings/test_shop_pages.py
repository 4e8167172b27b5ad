"""The shop's pages without a browser: what they show, whom they let in, and what they cost."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from listings.models import Category, Listing, ListingImage, Order
from listings.templatetags.shop import marked
from microstore.auth.tokens import BalanceToken, LiveToken
from microstore.http import limits
from stack.places import ROOT
from tests.support.pages import address, form_of, text
from tests.support.pictures import picture, upload

pytestmark = pytest.mark.django_db

# A new query is a diff in this file. Of each page: the session, its user, the latest event of the feed,
# and how many notifications are unread.
OF_EACH = 4
QUERIES_OF_THE_CATALOGUE = OF_EACH + 4  # the ids, listings, images, and how many there are
QUERIES_OF_A_LISTING = OF_EACH + 2
QUERIES_OF_MY_ORDERS = OF_EACH + 1  # orders, with their pictures
QUERIES_OF_MY_SALES = OF_EACH + 4  # and their sums, and the listings, with their images
LAMP = {"title": "Reading lamp", "price": "59", "currency": "EUR", "quantity": "2", "category": "furniture"}


def buy(client: Client, listing: Listing, **fields: str) -> Any:
    """As the page's form sends it, with these fields changed."""
    action = f"/listings/{listing.pk}/buy/"
    return client.post(action, form_of(client.get(f"/listings/{listing.pk}/"), action) | fields)


def test_anybody_sees_what_is_on_sale(client: Client, put_on_sale: Callable[..., Listing]) -> None:
    put_on_sale("Crunchy armchair", quantity=3)
    put_on_sale("Half a chess set", available=0)
    put_on_sale("A draft", status="draft")
    assert "Half a chess set" not in text(client.get("/"))
    page = text(client.get("/?sold_out=true"))
    assert "Crunchy armchair" in page
    assert "€249.00" in page
    assert "3 left" in page
    assert 'data-available="0" data-title="Half a chess set"' in page
    assert "A draft" not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=arm", ["Crunchy armchair"]),
        ("category=toys", []),
        ("category=toys&sold_out=true", ["Half a chess set"]),
        ("max_price=12&sold_out=true", ["Half a chess set"]),
        ("max_price=12,00&ordering=cheapest&sold_out=true", ["Half a chess set"]),
        ("search=half", ["Half a chess set"]),
        ("max_price=11.99", []),
        ("in_stock=true", ["Crunchy armchair"]),
        ("search=unicorn", []),
        ("cursor=made-up", ["Crunchy armchair"]),
        ("max_price=cheap&search=&category=", []),
        ("category=weapons", []),
        ("search=%00", []),
    ],
)
def test_the_catalogue_is_narrowed_down(
    client: Client, put_on_sale: Callable[..., Listing], query: str, found: list[str]
) -> None:
    put_on_sale("Crunchy armchair")
    put_on_sale("Half a chess set", category="toys", price_cents=1_200, available=0)
    page = text(client.get(f"/?{query}", follow=True))
    assert [
        title for title in ("Crunchy armchair", "Half a chess set") if f'title="{title}"' in page
    ] == found


@pytest.mark.parametrize("narrowed", ["", "&search=lamp", "&category=toys", "&currency=EUR", "&seller=one"])
@pytest.mark.parametrize("ordering", ["newest", "cheapest", "dearest"])
def test_what_is_in_stock_comes_first_in_every_order_and_all_of_it_is_counted(
    client: Client, put_on_sale: Callable[..., Listing], ordering: str, narrowed: str
) -> None:
    for number in range(60):
        price = 100 + number * 7 % 60
        put_on_sale(f"Lamp {number}", category="toys", available=number % 2, price_cents=price)
    found = Listing.objects.all()
    narrowed = narrowed.replace("one", str(found[0].seller_id))
    seen, path = list[int](), f"/?sold_out=true&ordering={ordering}{narrowed}"
    while path:
        page = text(client.get(path))
        assert "60 results" in page
        assert len(seen) < 60
        seen += map(int, re.findall('data-listing="([0-9]+)"', page))
        more = re.search(r'href="([^"]+)" rel="next"', page)
        path = more[1].replace("&amp;", "&") if more else ""
    key = {"newest": "-id", "cheapest": "price_cents", "dearest": "-price_cents"}[ordering]
    expected = [*found.filter(available=1).order_by(key), *found.filter(available=0).order_by(key)]
    assert seen == [each.pk for each in expected]


def test_the_pages_of_what_is_sold_out_lead_back_to_what_is_in_stock(
    client: Client, put_on_sale: Callable[..., Listing]
) -> None:
    for number in range(60):
        put_on_sale(f"Lamp {number}", available=int(number == 0))
    first, path = "/?search=lamp", "/?search=lamp&rest=1"
    while path != first:
        page = text(client.get(path))
        [back] = re.findall(r'href="(?:http://testserver/)?([^"]+)" rel="prev"', page)
        path = f"/{back.replace('&amp;', '&')}"
    assert "Lamp 0" in text(client.get(path))


def test_categories_lead_to_what_is_in_them(client: Client, put_on_sale: Callable[..., Listing]) -> None:
    put_on_sale("Crunchy armchair")
    put_on_sale("Half a chess set", category="toys")
    tiles = re.findall(r'href="(/\?category=\w+)"><svg', text(client.get("/")))
    assert len(tiles) == len(Category)
    page = text(client.get("/?category=toys"))
    assert "<h1>Toys</h1>" in page
    assert 'href="/?category=toys" aria-current="page"' in page
    assert "Filter and sort (1)" in page
    assert "Crunchy armchair" not in page
    assert 'class="tiles"' not in text(client.get("/?search=lamp"))
    # What the form sends where nothing was chosen in it.
    assert "Filter and sort<" in text(client.get("/?category=&max_price=&currency=&ordering=newest"))


def test_every_category_has_a_drawing() -> None:
    drawings = finders.find("shop/categories.svg")
    assert set(re.findall(r'<symbol id="(\w+)"', Path(str(drawings)).read_text())) == set(Category.values)


def test_pictures_are_chosen_by_thumbnails_and_enlarged_without_a_script(
    client: Client, armchair: Listing
) -> None:
    page = text(client.get(f"/listings/{armchair.pk}/"))
    assert "popover" not in page
    for _ in range(2):
        ListingImage.objects.create(listing=armchair, large="a.jpg", small="b.jpg", width=1, height=1)
    page = text(client.get(f"/listings/{armchair.pk}/"))
    for number in ("1", "2"):
        assert f'<a href="#picture-{number}"><img' in page
        assert f'id="picture-{number}"><button class="zoom" popovertarget="enlarged-{number}"' in page
        assert f'id="enlarged-{number}" popover>' in page


def test_each_field_that_is_marked_as_wrong_gets_the_focus() -> None:
    assert marked("", "iban") == ""
    assert marked(["Short."], "iban") == ' aria-describedby="iban-wrong" aria-invalid="true" autofocus'
    assert marked("", "new", hint=True) == ' aria-describedby="new-hint"'
    assert marked(["Short."], "new", hint=True).startswith(' aria-describedby="new-hint new-wrong" ')
    templates = "".join(each.read_text() for each in (ROOT / "listings/templates/shop").glob("*.html"))
    assert not re.search(r'<(?:input|select|textarea)[^\n]*?aria-invalid="true"', templates)


def test_a_seller_has_a_page(
    client: Client, put_on_sale: Callable[..., Listing], make_user: Callable[..., User]
) -> None:
    lamp = put_on_sale("Lamp")
    Listing.objects.filter(id=put_on_sale("Atlas").pk).update(seller=make_user("carol"))
    assert f'href="/?seller={lamp.seller_id}"' in text(client.get(f"/listings/{lamp.pk}/"))
    page = text(client.get(f"/?seller={lamp.seller_id}"))
    assert "Sold by alice" in page
    assert "Atlas" not in page


def test_what_people_write_is_text_and_no_markup(client: Client, put_on_sale: Callable[..., Listing]) -> None:
    listing = put_on_sale('<script>alert("lamp")</script>', description="<b>bold</b>")
    for path in ("/", f"/listings/{listing.pk}/", "/?search=%3Cscript%3E"):
        page = text(client.get(path))
        assert "<script>" not in page
        assert "<b>" not in page


def test_a_page_allows_itself_nothing_inline(client: Client, settings: Settings) -> None:
    settings.LIVE_URL, settings.MEDIA_URL = "wss://live.example", "https://pictures.example/shop/"
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'; img-src 'self' https://pictures.example data:" in policy
    assert policy.endswith("connect-src 'self' wss://live.example")
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/listings/987654321/", "/listings/999999999999999999/"])
def test_what_is_not_there_is_said_to_people(client: Client, path: str) -> None:
    assert "Back to the shop" in text(client.get(path), 404)


def test_a_draft_is_seen_by_its_seller_alone(
    client: Client, seller: Client, put_on_sale: Callable[..., Listing]
) -> None:
    draft = put_on_sale(status="draft")
    text(client.get(f"/listings/{draft.pk}/"), 404)
    assert "Only you can see this" in text(seller.get(f"/listings/{draft.pk}/"))


def test_buying_needs_a_form_and_no_script(shopper: Client, armchair: Listing, bob: User) -> None:
    assert ">Buy<" in text(shopper.get(f"/listings/{armchair.pk}/"))
    response = buy(shopper, armchair)
    order = Order.objects.get()
    assert (response.status_code, response.url) == (302, f"/orders/?new={order.pk}")
    assert (order.buyer, order.listing, order.quantity) == (bob, armchair, 1)
    page = text(shopper.get(response.url))
    assert f'id="order-{order.pk}" aria-current="true"' in page
    assert "Pending" in page


def test_another_quantity_than_that_of_the_total_is_shown_with_its_own_before_it_is_bought(
    shopper: Client, put_on_sale: Callable[..., Listing]
) -> None:
    """Without a script, or by Enter before it has shown the new total."""
    listing = put_on_sale(quantity=5)
    page = address(buy(shopper, listing, quantity="3"))
    assert page == f"/listings/{listing.pk}/?quantity=3"
    assert not Order.objects.exists()
    shown = shopper.get(page)
    assert "€747.00" in text(shown)
    assert "check the new total" in text(shown)
    action = f"/listings/{listing.pk}/buy/"
    address(shopper.post(action, form_of(shown, action) | {"quantity": "3"}))
    assert Order.objects.get().quantity == 3


@pytest.mark.parametrize("quantity", ["0", "6", "9999999", "many", "", "1.5"])
def test_a_page_shows_the_total_of_one_for_a_quantity_that_cannot_be_bought(
    client: Client, put_on_sale: Callable[..., Listing], quantity: str
) -> None:
    listing = put_on_sale(quantity=5)
    page = text(client.get(f"/listings/{listing.pk}/", {"quantity": quantity}))
    assert 'name="quantity" type="number" min="1" max="5" value="1"' in page
    assert "check the new total" not in page


def test_two_clicks_are_one_purchase(shopper: Client, put_on_sale: Callable[..., Listing]) -> None:
    listing = put_on_sale(quantity=5)
    key = "01a20465-7ba7-742f-b6f6-4741a701e43b"
    assert buy(shopper, listing, key=key).url == buy(shopper, listing, key=key).url
    assert Order.objects.count() == 1


@pytest.mark.parametrize("quantity", ["0", "-1", "many", "1.5", "٣", "", "\0", "9999999", "9" * 5_000])
def test_a_quantity_that_makes_no_sense_buys_nothing(
    shopper: Client, put_on_sale: Callable[..., Listing], quantity: str
) -> None:
    text(buy(shopper, put_on_sale(quantity=5), quantity=quantity, key="\0"), 400)
    assert not Order.objects.exists()


@pytest.mark.parametrize("seen", ["x", "1e9-EUR-1", "24900-EUR", "24900-EUR-1-", "\0", "24900-eur-1"])
def test_an_offer_that_nobody_can_have_seen_buys_nothing(
    shopper: Client, armchair: Listing, seen: str
) -> None:
    assert "look at it again" in text(buy(shopper, armchair, seen=seen), 412)
    assert not Order.objects.exists()


def test_whoever_is_too_late_is_told_so(shopper: Client, put_on_sale: Callable[..., Listing]) -> None:
    assert "It is sold out." in text(buy(shopper, put_on_sale(available=0)), 409)
    assert "Only 2 left." in text(buy(shopper, put_on_sale(quantity=2), quantity="3", shown="3"), 409)
    assert "Back to the shop" in text(buy(shopper, Listing(pk=987_654_321)), 404)
    assert not Order.objects.exists()


def test_nobody_buys_their_own(seller: Client, armchair: Listing) -> None:
    assert "This is your listing" in text(seller.get(f"/listings/{armchair.pk}/"))
    assert "your own" in text(buy(seller, armchair), 403)


def test_a_form_from_elsewhere_does_nothing(bob: User, armchair: Listing) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    for path in (f"/listings/{armchair.pk}/buy/", "/sell/", "/account/log-in/", "/account/log-out/"):
        assert client.post(path).status_code == 403
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/orders/",
        "/sales/",
        "/sales/balance/",
        "/sales/listings/",
        "/sell/",
        "/listings/1/edit/",
        "/account/data/",
    ],
)
def test_strangers_are_asked_to_log_in_and_come_back(client: Client, bob: User, path: str) -> None:
    bob.set_password("a lighthouse in fog")
    bob.save()
    response = client.get(path)
    assert address(response) == f"/account/log-in/?next={path}"
    known = {"username": "bob", "password": "a lighthouse in fog", "next": path}
    assert address(client.post("/account/log-in/", known)) == path


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere(client: Client, bob: User, elsewhere: str) -> None:
    bob.set_password("a lighthouse in fog")
    bob.save()
    known = {"username": "bob", "password": "a lighthouse in fog", "next": elsewhere}
    assert address(client.post("/account/log-in/", known)) == "/"


@pytest.mark.parametrize("named", ["x", "shop:cart", "catalogue"])
def test_the_page_to_come_back_to_is_an_address_and_no_name(client: Client, bob: User, named: str) -> None:
    bob.set_password("a lighthouse in fog")
    bob.save()
    known = {"username": "bob", "password": "a lighthouse in fog", "next": named}
    assert address(client.post("/account/log-in/", known)) in (named, "/")


@pytest.mark.parametrize("username", ["bob", "nobody", "bob\0", "", "b" * 151])
def test_a_wrong_password_opens_nothing(client: Client, bob: User, username: str) -> None:
    page = text(client.post("/account/log-in/", {"username": username, "password": "guessed"}), 401)
    assert "No active account has this name and password" in page
    assert "listings_session" not in client.cookies


def test_signing_up_logs_in(client: Client) -> None:
    carol = {"username": "carol", "email": "carol@example.com", "password": "a lighthouse in fog"}
    assert address(client.post("/account/sign-up/", carol)) == "/"
    assert "Log out" in text(client.get("/"))
    client.post("/account/log-out/")
    assert "Log out" not in text(client.get("/"))
    again = text(client.post("/account/sign-up/", carol), 400)
    assert "looks like one that is" in again
    assert "a lighthouse in fog" not in again


@pytest.mark.parametrize(("name", "kind"), [("live", LiveToken), ("balance", BalanceToken)])
def test_a_page_gets_a_token_for_what_is_its_own_alone(
    client: Client, shopper: Client, bob: User, name: str, kind: type[LiveToken | BalanceToken]
) -> None:
    assert client.get(f"/account/{name}-token/").status_code == 401
    answer = shopper.get(f"/account/{name}-token/")
    assert answer.headers["Cache-Control"] == "no-store"
    assert kind(answer.json()["access"])["user_id"] == str(bob.pk)


def test_the_page_of_balances_may_read_the_transactions_service_alone(
    seller: Client, settings: Settings
) -> None:
    settings.LIVE_URL, settings.PEER_URLS = "", {"transactions": "http://internal:8000"}
    settings.PEER_ADMIN_URLS = {"transactions": "https://transactions.example/"}
    page = seller.get("/sales/balance/")
    policy = page.headers["Content-Security-Policy"]
    assert policy.endswith("connect-src 'self' https://transactions.example")
    assert 'data-api="https://transactions.example"' in text(page)
    assert "transactions.example" not in seller.get("/sales/").headers["Content-Security-Policy"]


@pytest.mark.usefixtures("media")
def test_something_is_sold_with_its_picture(seller: Client) -> None:
    response = seller.post("/sell/", LAMP | {"image": upload(picture())})
    listing = Listing.objects.get()
    assert address(response) == f"/listings/{listing.pk}/?published=1"
    assert (listing.price_cents, listing.quantity, listing.status) == (5_900, 2, "on_sale")
    assert ListingImage.objects.get().listing == listing


def test_a_picture_that_is_refused_leaves_no_file_of_those_before_it(
    seller: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    for pictures in ([upload(picture()), upload(b"no picture")], [upload(picture(size=(8, 8)))] * 9):
        text(seller.post("/sell/", LAMP | {"image": pictures}), 400)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not Listing.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("title", "", "may not be blank"),
        ("price", "cheap", "Write an amount, such as 249 or 249.50."),
        ("price", "0", "Write an amount above zero"),
        ("price", "1.234", "could mean €1,234.00"),
        ("price", "NaN", "Write an amount, such as 249 or 249.50."),
        ("quantity", "many", "valid integer"),
        ("currency", "XXX", "Use one of"),
        ("category", "weapons", "not a valid choice"),
        ("image", upload(b"no picture"), 'id="image-wrong"'),
    ],
)
def test_what_cannot_be_sold_is_explained_and_nothing_is_made(
    seller: Client, field: str, value: Any, said: str
) -> None:
    page = text(seller.post("/sell/", LAMP | {field: value}), 400)
    assert said in page.replace("&quot;", '"')
    assert f'id="{field}-wrong"' in page
    assert field == "title" or 'value="Reading lamp"' in page
    assert not Listing.objects.exists()


def test_a_price_has_the_digits_of_its_currency(seller: Client) -> None:
    seller.post("/sell/", LAMP | {"price": "5900", "currency": "JPY"})
    listing = Listing.objects.get()
    assert listing.price_cents == 5_900
    assert "¥5,900" in text(seller.get(f"/listings/{listing.pk}/"))


def test_a_seller_withdraws_and_sells_again_what_is_theirs(
    seller: Client, shopper: Client, armchair: Listing
) -> None:
    for action, status in (("withdraw", "withdrawn"), ("publish", "on_sale")):
        text(shopper.post(f"/listings/{armchair.pk}/{action}/"), 403 if status == "withdrawn" else 404)
        assert address(seller.post(f"/listings/{armchair.pk}/{action}/")) == f"/sales/#listing-{armchair.pk}"
        armchair.refresh_from_db()
        assert armchair.status == status


def test_orders_and_sales_are_seen_by_buyer_and_seller_alone(
    shopper: Client, seller: Client, armchair: Listing, make_user: Callable[..., User]
) -> None:
    buy(shopper, armchair)
    carol = Client()
    carol.force_login(make_user("carol"))
    order = f"order-{Order.objects.get().pk}"
    assert order in text(shopper.get("/orders/"))
    assert order in text(seller.get("/sales/"))
    for page in (seller.get("/orders/"), shopper.get("/sales/"), carol.get("/orders/"), carol.get("/sales/")):
        assert order not in text(page)


def test_pages_without_a_live_feed_can_ask_what_is_left(
    client: Client, put_on_sale: Callable[..., Listing]
) -> None:
    armchair, draft = put_on_sale(quantity=3), put_on_sale(status="draft")
    answer = client.get(f"/stock/?ids={armchair.pk},{draft.pk},987654321,lamp,,-1,{'9' * 30}").json()
    assert answer == {"available": {str(armchair.pk): 3, str(draft.pk): None, "987654321": None}}


def test_too_many_guesses_have_to_wait(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the API's quota: whoever has used it up there has used it up here."""
    monkeypatch.setattr(limits, "quotas", lambda: {"token": limits.Quota(2, 60)})
    monkeypatch.setattr(limits, "ANSWERS_WITHIN_SECONDS", 10)  # Redis on a busy machine
    limits.current_counter.cache_clear()
    monkeypatch.setattr(limits.Limits, "get_ident", lambda *_: f"a test of pages {id(client)}")
    body = {"username": "nobody", "password": "guessed"}
    statuses = [client.post("/account/log-in/", body).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
    assert client.post("/api/auth/token/", body, content_type="application/json").status_code == 429


@pytest.mark.parametrize("listed", [1, 12])
def test_a_page_costs_the_same_however_much_is_on_it(
    shopper: Client,
    seller: Client,
    bob: User,
    put_on_sale: Callable[..., Listing],
    django_assert_num_queries: DjangoAssertNumQueries,
    listed: int,
) -> None:
    for _ in range(listed):
        listing = put_on_sale(quantity=2)
        ListingImage.objects.create(listing=listing, large="a.jpg", small="b.jpg", width=1, height=1)
        buy(shopper, listing)
    for client, path, queries in (
        (shopper, "/", QUERIES_OF_THE_CATALOGUE),
        (shopper, "/?search=armchair&category=furniture&ordering=cheapest", QUERIES_OF_THE_CATALOGUE + 2),
        (shopper, f"/listings/{listing.pk}/", QUERIES_OF_A_LISTING),
        (shopper, "/orders/", QUERIES_OF_MY_ORDERS),
        (seller, "/sales/", QUERIES_OF_MY_SALES),
        (seller, "/sales/listings/", QUERIES_OF_THE_CATALOGUE - 1),
        (seller, f"/listings/{listing.pk}/edit/", QUERIES_OF_A_LISTING),
    ):
        with django_assert_num_queries(queries):
            client.get(path)
