"""Whatever is sent: a bad request is a problem with the right status, and nothing is stored."""

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from listings.models import Listing, Order
from tests.support.problem import Answer, read_problem
from tests.support.rows import count_rows

pytestmark = pytest.mark.django_db

LAMP: dict[str, Any] = {"title": "Reading lamp that sees you", "price_cents": 5_900, "currency": "EUR"}
SURROGATE = "\ud800"
NOT_WHOLE_NUMBERS: tuple[object, ...] = (
    "two",
    "2",
    1.5,
    1.0,
    True,
    False,
    None,
    [],
    [1],
    {},
    {"value": 1},
    "",
    10**4000,
)
NOT_TEXT: tuple[object, ...] = (1, 1.5, True, None, [], ["lamp"], {})
NOT_JSON = (
    b"quantity=1",
    b"{",
    b"{} {}",
    b"{'quantity': 1}",
    b'{"quantity": 1,}',
    b'{"quantity": NaN}',
    b'{"quantity": Infinity}',
    b'{"quantity": -Infinity}',
    b'{"quantity": 01}',
    b'{"quantity": 1' + b"0" * 5_000 + b"}",
    b"   ",
    b"\xef\xbb\xbf{}",
    b'{"quantity": "\xff"}',
    b"\x00",
)
NOT_OBJECTS = (b"null", b"[]", b"[{}]", b"1", b'"quantity"', b"true")


@pytest.fixture
def post(api: APIClient, armchair: Listing) -> Callable[..., Answer]:
    """Post to a URL what is not good; nothing may change."""

    def send(url: str, body: bytes, content_type: str = "application/json") -> Answer:
        before = count_rows()
        response = api.post(url, body, content_type=content_type)
        assert count_rows() == before
        assert Listing.objects.get(pk=armchair.pk).available == 1
        return response

    return send


@pytest.fixture
def buy_url(armchair: Listing) -> str:
    return f"/api/listings/{armchair.pk}/buy/"


def as_json(body: object) -> bytes:
    return json.dumps(body).encode()


@pytest.mark.parametrize("quantity", [*NOT_WHOLE_NUMBERS, 0, -1, 1_000_001, 2**31, 2**63, 10**30, SURROGATE])
def test_a_quantity_is_a_whole_number_of_sense(
    post: Callable[..., Answer], buy_url: str, quantity: object
) -> None:
    problem = read_problem(post(buy_url, as_json({"quantity": quantity})), 400)
    assert list(problem["errors"]) == ["quantity"]


@pytest.mark.parametrize("price_cents", [*NOT_WHOLE_NUMBERS, 0, -1, 1_000_000_001, 2**63, 10**30])
def test_a_price_is_a_whole_number_of_sense(post: Callable[..., Answer], price_cents: object) -> None:
    problem = read_problem(post("/api/listings/", as_json(LAMP | {"price_cents": price_cents})), 400)
    assert list(problem["errors"]) == ["price_cents"]


@pytest.mark.parametrize("title", [*NOT_TEXT, "", "   ", "l" * 201, "lamp\0", f"lamp{SURROGATE}"])
def test_a_title_is_text(post: Callable[..., Answer], title: object) -> None:
    problem = read_problem(post("/api/listings/", as_json(LAMP | {"title": title})), 400)
    assert list(problem["errors"]) == ["title"]


@pytest.mark.parametrize("description", [*NOT_TEXT, "l" * 10_001, "lamp\0", f"lamp{SURROGATE}"])
def test_a_description_is_text(post: Callable[..., Answer], description: object) -> None:
    problem = read_problem(post("/api/listings/", as_json(LAMP | {"description": description})), 400)
    assert list(problem["errors"]) == ["description"]


@pytest.mark.parametrize("currency", [*NOT_TEXT, "", "eur", "EURO", "USD", "XXX", "E\0R", f"EU{SURROGATE}"])
def test_a_currency_is_one_that_the_shop_deals_in(post: Callable[..., Answer], currency: object) -> None:
    problem = read_problem(post("/api/listings/", as_json(LAMP | {"currency": currency})), 400)
    assert list(problem["errors"]) == ["currency"]


@pytest.mark.parametrize("category", [*NOT_TEXT, "", "Furniture", "weapons", "f\0", SURROGATE])
def test_a_category_is_one_of_the_shop(post: Callable[..., Answer], category: object) -> None:
    problem = read_problem(post("/api/listings/", as_json(LAMP | {"category": category})), 400)
    assert list(problem["errors"]) == ["category"]


@pytest.mark.parametrize("draft", [None, "maybe", "true", 0, 1, 2, [], {}, 1.5])
def test_a_draft_is_one_or_is_not(post: Callable[..., Answer], draft: object) -> None:
    problem = read_problem(post("/api/listings/", as_json(LAMP | {"draft": draft})), 400)
    assert list(problem["errors"]) == ["draft"]


@pytest.mark.parametrize("missing", LAMP)
def test_a_listing_needs_all_that_it_needs(post: Callable[..., Answer], missing: str) -> None:
    body = {name: value for name, value in LAMP.items() if name != missing}
    assert list(read_problem(post("/api/listings/", as_json(body)), 400)["errors"]) == [missing]


@pytest.mark.parametrize(
    "name", ["Quantity", "qty", "", "id", "status", "available", "seller", "seller_id", SURROGATE, "\0", "é"]
)
def test_a_field_that_nobody_knows_is_refused(post: Callable[..., Answer], buy_url: str, name: str) -> None:
    for url, body in ((buy_url, {"quantity": 1}), ("/api/listings/", LAMP)):
        problem = read_problem(post(url, as_json(body | {name: 1})), 400)
        assert len(problem["errors"]) == 1


@pytest.mark.parametrize("body", NOT_JSON)
def test_what_is_not_json_is_refused(post: Callable[..., Answer], buy_url: str, body: bytes) -> None:
    for url in (buy_url, "/api/listings/", "/api/auth/register/", "/api/auth/token/"):
        read_problem(post(url, body), 400)


@pytest.mark.parametrize("body", NOT_OBJECTS)
def test_what_is_not_an_object_is_refused(post: Callable[..., Answer], buy_url: str, body: bytes) -> None:
    for url in (buy_url, "/api/listings/", "/api/auth/register/", "/api/auth/token/"):
        read_problem(post(url, body), 400)


@pytest.mark.parametrize("url", ["/api/listings/", "/api/auth/register/", "/api/auth/token/"])
def test_an_empty_body_lacks_everything(post: Callable[..., Answer], url: str) -> None:
    for body in (b"", b"{}"):
        assert "errors" in read_problem(post(url, body), 400)


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_an_empty_body_buys_one(api: APIClient, buy_url: str, body: bytes) -> None:
    assert api.post(buy_url, body, content_type="application/json").status_code == 202
    assert Order.objects.get().quantity == 1


@pytest.mark.parametrize("opening", [b"[", b'{"quantity":', b'{"quantity":['])
def test_json_nested_without_end_is_refused(
    post: Callable[..., Answer], buy_url: str, opening: bytes
) -> None:
    body = opening * (250_000 // len(opening))  # Python 3.13 reads 10,000 levels
    assert "nested" in read_problem(post(buy_url, body), 400)["detail"]


def test_json_nested_a_little_is_only_wrong(post: Callable[..., Answer], buy_url: str) -> None:
    read_problem(post(buy_url, b'{"quantity":' + b"[" * 500 + b"]" * 500 + b"}"), 400)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "x",
    ],
)
def test_only_json_is_understood(post: Callable[..., Answer], buy_url: str, content_type: str) -> None:
    for url in (buy_url, "/api/listings/", "/api/auth/token/"):
        read_problem(post(url, b'{"quantity": 1}', content_type), 415)


@pytest.mark.parametrize("charset", ["rot13", "zlib", "base64", "utf-7", "nonsense", "utf-16", "undefined"])
def test_json_is_utf_8_whatever_its_charset_says(
    api: APIClient, post: Callable[..., Answer], buy_url: str, charset: str
) -> None:
    """RFC 8259, 8.1. Python knows "charsets" that unpack what is packed."""
    read_problem(post(buy_url, b'{"quantity": "\\u0032"}', f"application/json; charset={charset}"), 400)
    response = api.post(buy_url, b'{"quantity": 1}', content_type=f"application/json; charset={charset}")
    assert response.status_code == 202


@pytest.mark.parametrize("url", ["/api/listings/", "/api/auth/register/", "/api/auth/token/"])
def test_a_body_above_256_kib_is_too_large(post: Callable[..., Answer], url: str) -> None:
    read_problem(post(url, as_json(LAMP | {"description": "l" * 256 * 1024})), 413)


def test_a_purchase_above_256_kib_is_too_large(post: Callable[..., Answer], buy_url: str) -> None:
    read_problem(post(buy_url, b" " * (256 * 1024 + 1)), 413)


def test_a_body_of_256_kib_is_only_wrong(post: Callable[..., Answer], buy_url: str) -> None:
    read_problem(post(buy_url, b" " * 256 * 1024), 400)


def test_the_order_of_others_cannot_be_found(
    api: APIClient, armchair: Listing, make_user: Callable[..., User], client_of: Callable[[User], APIClient]
) -> None:
    order_url = api.post(f"/api/listings/{armchair.pk}/buy/").json()["status_url"]
    stranger = client_of(make_user())
    read_problem(stranger.get(order_url), 404)
    assert stranger.get("/api/orders/").json()["results"] == []


@pytest.mark.parametrize("order_id", [str(uuid4()), "-" * 36, "f" * 36, "1", "armchair", "%00", "f" * 4_000])
def test_an_order_that_never_was_cannot_be_found(api: APIClient, order_id: str) -> None:
    read_problem(api.get(f"/api/orders/{order_id}/"), 404)


@pytest.mark.parametrize(
    "listing_id", ["armchair", "-1", "1.5", "%00", "0x1", "1" * 19, "9" * 4_000, "٣", "1%0a"]
)
def test_a_malformed_listing_id_cannot_be_found(api: APIClient, armchair: Listing, listing_id: str) -> None:
    read_problem(api.get(f"/api/listings/{listing_id}/"), 404)
    read_problem(api.post(f"/api/listings/{listing_id}/buy/"), 404)


@pytest.mark.parametrize("url", ["/api/", "/api/armchairs/", "/nothing", "/%00", "/api/listings/1/steal/"])
def test_where_nothing_is_nothing_is_found(api: APIClient, url: str) -> None:
    read_problem(api.get(url), 404)


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_a_purchase_is_posted(api: APIClient, buy_url: str, method: str) -> None:
    read_problem(getattr(api, method)(buy_url), 405)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_an_order_is_only_looked_at(api: APIClient, buy_url: str, method: str) -> None:
    order_url = api.post(buy_url).json()["status_url"]
    before = count_rows()
    read_problem(getattr(api, method)(order_url, {"status": "completed"}, format="json"), 405)
    read_problem(getattr(api, method)("/api/orders/"), 405)
    assert count_rows() == before


def test_only_json_is_answered(api: APIClient) -> None:
    read_problem(api.get("/api/listings/", headers={"Accept": "application/xml"}), 406)


@pytest.mark.parametrize(
    "query",
    [
        *("min_price_cents=cheap", "min_price_cents=NaN", "max_price_cents=1e400", "min_price_cents=-1e400"),
        *("category=weapons", "seller=alice", "seller=99999999999999999999"),
        *("search=%00", "seller=-1", "seller=1.5", "in_stock=maybe", "in_stock=1"),
        *("page_size=0", "page_size=-1", "page_size=many", "page_size=1.5", "page_size=%00", "page_size="),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(api: APIClient, armchair: Listing, query: str) -> None:
    read_problem(api.get(f"/api/listings/?{query}"), 400)


@pytest.mark.parametrize(
    "query", ["status=sold", "listing=chair", "listing=99999999999999999999", "listing=0"]
)
def test_an_order_filter_that_makes_no_sense_is_refused(api: APIClient, query: str) -> None:
    read_problem(api.get(f"/api/orders/?{query}"), 400)


@pytest.mark.parametrize("url", ["/api/listings/", "/api/orders/"])
@pytest.mark.parametrize("position", ["armchair", "", "-1", "9" * 30, "\0", "0001-01-01"])
def test_a_cursor_that_was_made_up_is_no_failure_of_ours(
    api: APIClient, armchair: Listing, url: str, position: str
) -> None:
    cursor = base64.b64encode(f"p={position}".encode()).decode()
    response = api.get(url, {"cursor": cursor})
    assert response.status_code in (200, 404)
    if response.status_code == 404:
        read_problem(response, 404)


@pytest.mark.parametrize("cursor", ["armchair", "%00", "====", "é", "bz05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk="])
def test_a_cursor_that_is_none_is_no_failure_of_ours(api: APIClient, cursor: str) -> None:
    response = api.get(f"/api/listings/?cursor={cursor}")
    assert response.status_code in (200, 404)


@pytest.mark.parametrize("page_size", [100, 101, 10**30])
def test_a_page_has_at_most_a_hundred(
    api: APIClient, put_on_sale: Callable[..., Listing], page_size: int
) -> None:
    for _ in range(101):
        put_on_sale("Reading lamp")
    assert len(api.get(f"/api/listings/?page_size={page_size}").json()["results"]) == 100
