"""Text that is short and costly, or that no parser expects, in every place that a request has for text.

Nothing here may fail on our side, and all of it must be done long before pytest's time limit.
"""

import gzip
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from itertools import product
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from listings.models import Listing, Order
from tests.support.pictures import upload
from tests.support.problem import read_problem

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(120)]

HOSTILE = (
    *(
        "1e999997",
        "-1e999997",
        "1E+99999",
        "9" * 5_000,
        "-" + "9" * 5_000,
        "NaN",
        "Infinity",
        "1_000",
        "0x10",
    ),
    *(
        "\N{ARABIC-INDIC DIGIT THREE}",
        "1" * 100_000,
        "abc",
        "",
        " ",
        "\0",
        "a\0b",
        "[" * 999,
        "{" * 999,
        "%",
        "%00",
    ),
    *(
        "\N{RIGHT-TO-LEFT OVERRIDE}x",
        "1,2,3",
        "0",
        "-1",
        "1.5",
        "'",
        '"',
        "\\",
        "\r\nX: y",
        "../../etc/passwd",
    ),
)
PAGES = (
    "/",
    "/orders/",
    "/sales/",
    "/sales/balance/",
    "/sales/listings/",
    "/notifications/",
    "/stock/",
    "/sell/price/",
    "/account/log-in/",
    "/cart/",
)
PAGE_PARAMETERS = (
    *(
        "search",
        "category",
        "currency",
        "max_price",
        "ordering",
        "in_stock",
        "page_size",
        "cursor",
        "ids",
        "new",
    ),
    *("next", "price"),
)
FORMS: dict[str, dict[str, str]] = {
    "/sell/": {"title": "Lamp", "price": "10", "currency": "EUR", "quantity": "1", "category": "furniture"},
    "/listings/{id}/buy/": {"quantity": "1", "key": "x"},
    "/listings/{id}/cart/": {"quantity": "1"},
    "/cart/{id}/": {"quantity": "1"},
    "/cart/": {"cart": "x"},
    "/account/sign-up/": {"username": "dora", "email": "d@shop.example", "password": "a lighthouse in fog"},
    "/account/log-in/": {"username": "dora", "password": "x", "next": "/"},
    "/admin/login/": {"username": "dora", "password": "x", "next": "/"},
}
HEADERS = (
    *("Authorization", "Idempotency-Key", "If-Match", "If-None-Match", "X-Trace-Id", "traceparent", "Accept"),
    *(
        "Accept-Language",
        "If-Modified-Since",
        "Range",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "Origin",
        "Referer",
    ),
)


def paths() -> dict[str, dict[str, Any]]:
    """The API's addresses, as its own schema names them."""
    generator: Any = SchemaGenerator
    described: dict[str, dict[str, Any]] = generator().get_schema(public=True)["paths"]
    return described


def query_parameters() -> Iterator[tuple[str, str]]:
    """Each address of the API that can be looked at, with each of its parameters."""
    for path, operations in paths().items():
        for parameter in operations.get("get", {}).get("parameters", ()):
            if parameter["in"] == "query":
                yield path, parameter["name"]


def check(response: Any, *told: object) -> None:
    assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, (told, response.content[:300])


@pytest.fixture
def browser(shopper: Client) -> Client:
    shopper.raise_request_exception = False
    return shopper


def test_no_parameter_of_the_api_is_a_number_of_any_size(api: APIClient, armchair: Listing) -> None:
    parameters = list(query_parameters())
    assert ("/api/listings/", "max_price_cents") in parameters
    for path, name in parameters:
        for text in HOSTILE:
            check(api.get(path.replace("{id}", str(armchair.pk)), {name: text}), path, name, text[:40])


def test_no_address_of_the_api_is_a_number_of_any_size(api: APIClient) -> None:
    for path, operations in paths().items():
        if "{" in path:
            for text in HOSTILE:
                given = quote(text, safe="")[:20_000] or "x"
                address = (
                    path.replace("{id}", given).replace("{listing_id}", given).replace("{image_id}", given)
                )
                for method in operations:
                    check(getattr(api, method)(address), method, path, text[:40])


@pytest.mark.parametrize("page", PAGES)
def test_no_parameter_of_a_page_is_a_number_of_any_size(
    browser: Client, armchair: Listing, page: str
) -> None:
    for name in PAGE_PARAMETERS:
        for text in HOSTILE:
            given = {name: text} | ({"currency": "EUR"} if name == "price" else {})
            check(browser.get(page, given), page, name, text[:40])


@pytest.mark.parametrize("form", FORMS)
def test_no_field_of_a_form_is_a_number_of_any_size(
    browser: Client, make_user: Callable[..., User], armchair: Listing, form: str
) -> None:
    for name in FORMS[form]:
        for text in HOSTILE:
            response = browser.post(form.replace("{id}", str(armchair.pk)), FORMS[form] | {name: text})
            check(response, form, name, text[:40])


def test_no_header_is_a_number_of_any_size(api: APIClient, browser: Client, armchair: Listing) -> None:
    for name in HEADERS:
        for text in HOSTILE:
            if text.isascii() and not {"\r", "\n", "\0"} & set(text):  # no server lets the others through
                check(api.get(f"/api/listings/{armchair.pk}/", headers={name: text}), name, text[:40])
                check(browser.get("/", headers={name: text}), name, text[:40])


def test_no_cookie_is_a_number_of_any_size(client: Client, armchair: Listing) -> None:
    client.raise_request_exception = False
    for name in ("cart", "listings_session", "listings_csrf", "messages"):
        for text in (*filter(str.isascii, HOSTILE), '"\\000\\000\\000\\000\\000\\000\\000\\000\\000"'):
            cookie = f"{name}={text.replace(';', '')}"
            check(client.get("/", HTTP_COOKIE=cookie), cookie[:60])
            check(client.get("/admin/", HTTP_COOKIE=cookie), cookie[:60])


@pytest.mark.parametrize(
    "cursor", ["armchair", "%00", "bz05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "cj0yJnA9MQ=="]
)
def test_a_cursor_that_was_made_up_is_a_problem(api: APIClient, shopper: Client, cursor: str) -> None:
    assert api.get(f"/api/listings/?cursor={cursor}").status_code == 404
    assert shopper.get(f"/orders/?cursor={cursor}").status_code == 404


def test_our_own_cursors_lead_on(api: APIClient, put_on_sale: Callable[..., Listing]) -> None:
    for _ in range(5):
        put_on_sale()
    for ordering in ("newest", "oldest", "cheapest", "dearest"):
        page = api.get(f"/api/listings/?page_size=2&ordering={ordering}").json()
        second = api.get(page["next"]).json()
        third = api.get(second["next"]).json()
        ids = [each["id"] for each in page["results"] + second["results"] + third["results"]]
        assert len(set(ids)) == 5
        assert api.get(third["previous"]).json()["results"] == second["results"]


def test_a_cursor_of_one_ordering_is_none_of_another(
    api: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    for _ in range(3):
        put_on_sale()
    orderings = ("newest", "oldest", "cheapest", "dearest")
    for taken, used in product(orderings, orderings):
        for words in ("", "&search=armchair"):
            page = api.get(f"/api/listings/?page_size=2&ordering={taken}{words}").json()
            url = page["next"].replace(f"ordering={taken}", f"ordering={used}")
            assert api.get(url).status_code == (200 if taken == used else 404), (taken, used, words)


def test_unknown_fields_are_named_ten_at_most(api: APIClient, armchair: Listing) -> None:
    body = {f"unknown {number}": 1 for number in range(8_000)} | {"u" * 50_000: 1}
    response = api.post(f"/api/listings/{armchair.pk}/buy/", body, format="json")
    assert len(response.json()["errors"]) == 10
    assert len(response.content) < 4_000


def test_no_operation_ignores_the_body_that_it_is_sent(api: APIClient, armchair: Listing) -> None:
    """Those with a body refuse what they do not know, those without one refuse any but an empty object."""
    tried = set()
    for path, operations in paths().items():
        for method in operations.keys() & {"post", "put", "patch", "delete"}:
            if "requestBody" in operations[method]:
                continue
            parameters = operations[method].get("parameters", ())
            address = path.format_map({each["name"]: a_key(each["schema"]) for each in parameters})
            send = partial(api.generic, method.upper(), address, content_type="application/json")
            for body in ('{"lamp": 1}', "nonsense{{{"):
                problem = read_problem(send(body), 400)
                assert "no request body" in problem["detail"]
            assert "no request body" not in send("{}").content.decode()
            tried.add((method, path))
    assert ("post", "/api/orders/{id}/cancel/") in tried
    assert ("delete", "/api/auth/sessions/{session_id}/") in tried


def a_key(schema: dict[str, Any]) -> str:
    """The id of nothing."""
    return str(UUID(int=7)) if schema.get("format") == "uuid" else "7000"


@pytest.mark.parametrize("content", ["application/json", "text/plain", ""])
def test_no_page_ignores_a_body_that_is_no_form(browser: Client, armchair: Listing, content: str) -> None:
    for path in (f"/listings/{armchair.pk}/buy/", "/cart/", "/account/log-out/", "/admin/login/"):
        answer = browser.generic("POST", path, '{"quantity": 5}', content_type=content)
        assert answer.status_code == 415
    assert not Order.objects.exists()


def test_no_page_ignores_fields_in_its_address_or_takes_one_of_two(
    shopper: Client, put_on_sale: Callable[..., Listing]
) -> None:
    lamp = put_on_sale(quantity=5)
    for path, fields in FORMS.items():
        if not path.startswith("/admin/"):
            address = path.format(id=lamp.pk)
            assert shopper.post(f"{address}?quantity=5", fields).status_code == 400
            for name, value in fields.items():
                assert shopper.post(address, fields | {name: [value, "2"]}).status_code == 400
                as_file = {each: text for each, text in fields.items() if each != name}
                assert shopper.post(address, as_file | {name: upload(b"2")}).status_code == 400
    assert not Order.objects.exists()
    assert "cart" not in shopper.cookies


@pytest.mark.parametrize("coding", ["gzip", "br", "aes128gcm, gzip"])
def test_no_body_is_taken_for_a_form_or_json_that_its_coding_hides(
    api: APIClient, shopper: Client, armchair: Listing, coding: str
) -> None:
    packed, form = {"Content-Encoding": coding}, "application/x-www-form-urlencoded"
    for body in (gzip.compress(b"quantity=2"), b"quantity=2"):
        address = f"/listings/{armchair.pk}/cart/"
        assert shopper.post(address, body, content_type=form, headers=packed).status_code == 415
    assert "cart" not in shopper.cookies
    buy, body = f"/api/listings/{armchair.pk}/buy/", b'{"quantity": 1}'
    read_problem(api.post(buy, body, content_type="application/json", headers=packed), 415)
    assert not Order.objects.exists()


def test_a_form_that_cannot_be_parsed_is_refused_without_a_traceback_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.get("/account/log-in/")  # for its cookie, without which the check reads no form
    for page in ("/account/log-in/", "/account/unsubscribe/", "/admin/login/"):
        for browser in (client, strict):
            assert browser.post(page, b"--x", content_type="multipart/form-data").status_code == 400
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("debug", [False, True])
def test_an_address_without_its_slash_is_no_other_request(
    api: APIClient, browser: Client, armchair: Listing, settings: Any, *, debug: bool
) -> None:
    settings.DEBUG = debug
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(api, method)(f"/api/listings/{armchair.pk}/buy")
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert api.get("/api/nothing/").headers["Content-Type"] == "application/problem+json"
    assert api.get("/api/listings").status_code == 301
    assert browser.post(f"/listings/{armchair.pk}/buy").status_code == 404


def test_a_form_from_elsewhere_and_a_foreign_host_meet_our_own_words(armchair: Listing) -> None:
    stranger = Client(enforce_csrf_checks=True)
    for accept, content in (("text/html", "text/html; charset=utf-8"), ("*/*", "application/problem+json")):
        headers = {"Accept": accept}
        refused = stranger.post(f"/listings/{armchair.pk}/cart/", headers=headers)
        assert (refused.status_code, refused.headers["Content-Type"]) == (403, content)
        assert b"CSRF" not in refused.content
        refused = stranger.get("/", headers=headers | {"Host": "shop.attacker.example"})
        assert (refused.status_code, refused.headers["Content-Type"]) == (400, content)
        assert refused.headers["X-Trace-Id"]
