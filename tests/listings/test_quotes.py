"""What a purchase costs in all is known before it is made, and is what is charged."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from fees.calculate import calculate_fee
from fees.configuration import load_schedule
from fees.order import Order as FeeOrder
from listings import messages
from listings.buying import quotes
from listings.buying.fast_path import plain_body
from listings.buying.offer import Offer, write_offer
from listings.models import Listing, Order
from microstore.messaging.models import OutboxMessage
from stack.waiting import wait_until
from tests.support.fee_post import FeePost
from tests.support.pages import text
from tests.support.problem import read_problem

pytestmark = pytest.mark.django_db

VERSION = load_schedule({}).version


def ask(client: APIClient, listing: Listing, query: str = "") -> dict[str, Any]:
    response = client.get(f"/api/listings/{listing.pk}/quote/{query}")
    assert response.status_code == 200, response.content
    quote: dict[str, Any] = response.json()
    return quote


def ask_for_all(client: APIClient, *items: dict[str, Any]) -> Any:
    return client.post("/api/checkouts/quote/", {"items": list(items)}, format="json")


def test_a_quote_is_what_the_fee_function_charges(
    fee_post: FeePost, anybody: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    listing = put_on_sale(quantity=9)
    fee = calculate_fee(
        FeeOrder(price_cents=24_900, currency="EUR", quantity=3, category="furniture"),
        schedule=load_schedule({}),
    )
    assert ask(anybody, listing, "?quantity=3") == {
        "listing": listing.pk,
        "quantity": 3,
        "unit_price_cents": 24_900,
        "price_cents": 74_700,
        "currency": "EUR",
        "fee_cents": fee.fee_cents,
        "total_cents": fee.total_cents,
        "fee_rule": f"{VERSION}/EUR/furniture",
        "fee_version": VERSION,
        "etag": '"1"',
        "reason": "",
    }
    assert ask(anybody, listing)["price_cents"] == 24_900


@pytest.mark.parametrize("query", ["0", "-1", "1.0", "x", "", "1000001", "٣", "1&quantiti=2"])
def test_a_quantity_that_is_none_is_refused(anybody: APIClient, armchair: Listing, query: str) -> None:
    response = anybody.get(f"/api/listings/{armchair.pk}/quote/?quantity={query}")
    assert set(read_problem(response, 400)["errors"]) <= {"quantity", "quantiti"}


def test_a_cart_is_quoted_with_one_call_and_a_total_for_each_currency(
    fee_post: FeePost, api: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    euros = [put_on_sale(f"Lamp {number}", quantity=5) for number in range(2)]
    yen = put_on_sale("Lantern", currency="JPY")
    wanted = [{"listing": euros[0].pk, "quantity": 2}, {"listing": yen.pk}, {"listing": euros[1].pk}]
    answer = ask_for_all(api, *wanted).json()
    assert [each["listing"] for each in answer["items"]] == [each["listing"] for each in wanted]
    in_euros = [each for each in answer["items"] if each["currency"] == "EUR"]
    assert [total["currency"] for total in answer["totals"]] == ["EUR", "JPY"]
    assert answer["totals"][0] == {
        "currency": "EUR",
        **{
            name: sum(each[name] for each in in_euros) for name in ("price_cents", "fee_cents", "total_cents")
        },
    }
    assert len(fee_post.questions) == 1


def test_a_cart_with_something_that_cannot_be_seen_names_it(api: APIClient, armchair: Listing) -> None:
    problem = read_problem(ask_for_all(api, {"listing": armchair.pk}, {"listing": 2**40}), 409)
    assert [(item["index"], item["type"]) for item in problem["items"]] == [
        (1, "urn:microstore:problem:listing-not-found")
    ]


def test_the_same_quote_is_fetched_once_and_a_new_price_anew(
    fee_post: FeePost, anybody: APIClient, armchair: Listing
) -> None:
    first = ask(anybody, armchair)
    assert ask(anybody, armchair) == first
    assert len(fee_post.questions) == 1
    Listing.objects.update(price_cents=50_000)
    assert ask(anybody, armchair)["price_cents"] == 50_000
    assert len(fee_post.questions) == 2


@pytest.mark.parametrize(
    "answer",
    [(500, {}), (200, b"no JSON"), (200, {"fees": []}), (401, {"error": "requests must be signed"})],
)
def test_while_the_fee_function_fails_the_fee_is_unknown_and_the_answer_says_so(
    fee_post: FeePost, anybody: APIClient, armchair: Listing, answer: tuple[int, Any]
) -> None:
    fee_post.answer_with(*answer)
    quote = ask(anybody, armchair)
    assert (quote["price_cents"], quote["fee_cents"], quote["total_cents"]) == (24_900, None, None)
    assert quote["reason"] == quotes.UNKNOWN
    assert quote["fee_version"] == ""
    fee_post.answer = None
    assert ask(anybody, armchair)["reason"] == "", "A failure is not remembered."


def test_a_listing_that_is_never_priced_has_the_reason(
    fee_post: FeePost, anybody: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    assert "no fee is set for XTS" in ask(anybody, put_on_sale(currency="XTS"))["reason"]


def test_nobody_waits_for_a_fee_function_that_hangs(
    fee_post: FeePost, settings: Settings, anybody: APIClient, armchair: Listing
) -> None:
    settings.QUOTE_TIMEOUT_SECONDS = 0.2
    fee_post.silent.set()
    for _ in range(3):
        assert ask(anybody, armchair)["fee_cents"] is None
    assert wait_until(lambda: len(fee_post.questions) == 3, timeout_seconds=30)
    began = time.thread_time()
    for _ in range(3):
        assert ask(anybody, armchair)["fee_cents"] is None
    assert len(fee_post.questions) == 3, "After three failures it is left alone."
    assert time.thread_time() - began < 5


def test_calls_are_signed(
    fee_post: FeePost, settings: Settings, anybody: APIClient, armchair: Listing
) -> None:
    settings.FEES_SIGNING_KEY = "new,old"
    ask(anybody, armchair)
    assert {"X-Fees-Timestamp", "X-Fees-Signature"} <= fee_post.headers[0].keys()


@pytest.mark.parametrize("way", ["buy", "checkout"])
def test_the_version_of_a_quote_travels_with_the_order(api: APIClient, armchair: Listing, way: str) -> None:
    body = {"price_cents": 24_900, "currency": "EUR", "fee_version": "2026-10.b"}
    if way == "buy":
        response = api.post(f"/api/listings/{armchair.pk}/buy/", body, format="json")
    else:
        response = api.post("/api/checkouts/", {"items": [{"listing": armchair.pk, **body}]}, format="json")
    assert response.status_code == 202, response.content
    order = Order.objects.get()
    sent = OutboxMessage.objects.get().payload
    assert sent["fee_version"] == order.fee_version == "2026-10.b"
    assert messages.order_created(order).fee_version == "2026-10.b"


@pytest.mark.parametrize("version", ["", "x" * 33, "2026/11", "2026\n11", 1, None, "é"])
def test_a_version_that_is_none_is_refused(api: APIClient, armchair: Listing, version: Any) -> None:
    response = api.post(f"/api/listings/{armchair.pk}/buy/", {"fee_version": version}, format="json")
    assert "fee_version" in read_problem(response, 400)["errors"]
    assert plain_body(b'{"fee_version": %s}' % repr(version).replace("'", '"').encode()) is None


def test_the_key_of_a_purchase_stands_for_its_version(api: APIClient, put_on_sale: Any) -> None:
    listing = put_on_sale(quantity=5)

    def buy(**body: str) -> int:
        path = f"/api/listings/{listing.pk}/buy/"
        return api.post(path, body, format="json", headers={"Idempotency-Key": "1"}).status_code

    assert [buy(fee_version="2026-11"), buy(fee_version="2026-11"), buy(fee_version="2026-12")] == [
        202,
        202,
        422,
    ]
    assert Order.objects.count() == 1


def test_an_offer_in_a_page_has_the_version(armchair: Listing) -> None:
    assert Offer.read(write_offer(armchair)) == Offer(24_900, "EUR", frozenset({1}))
    assert Offer.read(write_offer(armchair, "2026-11")) == Offer(24_900, "EUR", frozenset({1}), "2026-11")


def test_the_page_shows_the_total_and_what_it_showed_is_what_is_bought(
    fee_post: FeePost, shopper: Client, armchair: Listing
) -> None:
    page = shopper.get(f"/listings/{armchair.pk}/")
    assert '<p class="price">€260.71</p><p class="small">€249.00 and a fee of €11.71</p>' in text(page)
    assert f'value="24900-EUR-1-{VERSION}"' in page.content.decode()
    shopper.post(f"/listings/{armchair.pk}/buy/", {"seen": f"24900-EUR-1-{VERSION}"})
    assert Order.objects.get().fee_version == VERSION


def test_the_page_asks_for_the_total_of_another_quantity(
    fee_post: FeePost, shopper: Client, armchair: Listing
) -> None:
    path = f"/listings/{armchair.pk}/total/"
    assert shopper.get(path, {"quantity": "2"}).json() == {
        "total": "€520.91",
        "parts": "2 × €249.00 and a fee of €22.91",
        "fee_version": VERSION,
    }
    assert shopper.get(path, {"quantity": "none"}).json() == {"total": "", "parts": "", "fee_version": ""}


def test_the_catalogue_shows_totals_by_one_call(
    fee_post: FeePost, shopper: Client, put_on_sale: Callable[..., Listing]
) -> None:
    put_on_sale()
    put_on_sale("Lamp", price_cents=2_500)
    page = text(shopper.get("/"))
    for total, parts in (("€260.71", "€249.00 and a fee of €11.71"), ("€26.63", "€25.00 and a fee of €1.63")):
        assert f'<p class="price">{total}</p>\n  <p class="small">{parts}</p>' in page
    assert len(fee_post.questions) == 1


def test_pages_say_that_a_fee_is_added_where_nobody_knows_it(shopper: Client, armchair: Listing) -> None:
    page = text(shopper.get(f"/listings/{armchair.pk}/"))
    assert quotes.UNKNOWN in page
    shopper.post(f"/listings/{armchair.pk}/cart/", {"quantity": "1"})
    assert '<p class="price">€249.00</p>\n  <p class="small">and a fee</p>' in text(shopper.get("/"))
    cart = text(shopper.get("/cart/"))
    assert "Total before fees" in cart
    assert "€249.00" in cart
    assert "A fee is added to each" in cart


def test_the_cart_shows_fees_and_total_and_buys_at_that_schedule(
    fee_post: FeePost, shopper: Client, armchair: Listing
) -> None:
    shopper.post(f"/listings/{armchair.pk}/cart/", {"quantity": "1"})
    page = shopper.get("/cart/")
    assert all(part in text(page) for part in ("Fees", "€11.71", "€260.71"))
    kept = shopper.cookies["cart"].value
    seen = f"24900-EUR-1-{VERSION}"
    assert seen in page.content.decode()
    shopper.post("/cart/", {"cart": kept, f"seen-{armchair.pk}": seen})
    assert Order.objects.get().fee_version == VERSION


def test_a_page_of_what_cannot_be_bought_asks_for_no_fee(
    fee_post: FeePost, seller: Client, armchair: Listing, alice: User
) -> None:
    seller.get(f"/listings/{armchair.pk}/")
    assert fee_post.questions == []
