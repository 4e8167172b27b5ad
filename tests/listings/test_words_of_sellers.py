"""Titles and descriptions can be seen, are read in their own direction, and cannot end a line of a mail."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from listings.models import Listing
from tests.support.pages import text
from tests.support.problem import read_problem
from tests.support.roles import client_as

LAMP = {"title": "Reading lamp", "price_cents": 5_900, "currency": "EUR"}
UNSEEN = [
    "\u200b",
    "\u200b\u200d\ufeff",
    "\u3164",
    "\u2800\u2800",
    "\u115f\u1160",
    "\u00ad",
    "\u0301",
    "\u2060 \u2061",
    "\ufffc",
]
TURNED = ["Lamp \u202eRUE 01", "\u2066lamp\u2069", "\u202dlamp"]
LINES = [
    "Lamp\nBcc: all@shop.example",
    "Lamp\r\n",
    "Lamp\ttable",
    "Lamp\u2028table",
    "Lamp\x1b[31m",
    "Lamp\x85x",
]
HIDDEN = ["Lamp\U000e0066\U000e0072\U000e0065\U000e0065", "Lamp\U0001f3f4\U000e0067lamp", "\U000e007fLamp"]
STACKED = [
    "e" + "\u0301" * 150,
    "Lamp\u0489\u0489\u0489\u0489\u0489\u0489\u0489\u0489\u0489",
    "a" + "\ufe0f" * 99,
]
FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
SEEN = [
    f"{FLAG} lamp",
    "ཧྐྵྨླྺྼྻྂ",
    "בְּ֖שָּׁ֑",
    "ที่",
    "AC/DC",
    "☂",
    "👩\u200d👧",
    "مصباح\u200f!",
    "ソファ",
    "1",
    "C\u0301",
    "नमस्ते",
    "—",
]


@pytest.fixture
def alices(alice: User, client_of: object) -> APIClient:
    return client_of(alice)  # type: ignore[operator,no-any-return]  # a fixture that makes clients


@pytest.mark.parametrize("title", [*UNSEEN, *TURNED, *LINES, *HIDDEN, *STACKED])
def test_a_title_that_cannot_be_shown_is_refused_everywhere(
    alices: APIClient, seller: Client, armchair: Listing, title: str
) -> None:
    title = f"{title}." if title.endswith("\n") else title  # the end of a line at the end is only cut off
    problem = read_problem(alices.post("/api/listings/", LAMP | {"title": title}, format="json"), 400)
    assert list(problem["errors"]) == ["title"]
    edit = alices.patch(
        f"/api/listings/{armchair.pk}/", {"title": title}, format="json", headers={"If-Match": "*"}
    )
    assert list(read_problem(edit, 400)["errors"]) == ["title"]
    page = text(
        seller.post("/sell/", {"title": title, "price": "59", "currency": "EUR", "quantity": "1"}), 400
    )
    assert 'id="title-wrong"' in page
    assert list(Listing.objects.values_list("title", flat=True)) == ["Crunchy armchair"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("title", title) for title in [UNSEEN[0], TURNED[0], LINES[0]]),
        ("description", "\x1b[31m"),
        *(("description", text) for text in [TURNED[0], HIDDEN[0], STACKED[0]]),
        ("price_cents", "0"),
        ("price_cents", "1000000001"),
        ("currency", "XAU"),
    ],
)
def test_the_admin_refuses_what_sellers_may_not_write(armchair: Listing, field: str, value: str) -> None:
    form = {name: getattr(armchair, name) for name in ("title", "category", "price_cents", "currency")}
    form |= {"seller": armchair.seller_id, "description": "", field: value}
    page = client_as("admin").post(f"/admin/listings/listing/{armchair.pk}/change/", form)
    assert list(page.context["adminform"].form.errors) == [field]
    armchair.refresh_from_db()
    assert armchair.edition == 1


@pytest.mark.parametrize("title", SEEN)
def test_a_title_in_any_script_is_taken(alices: APIClient, title: str) -> None:
    assert alices.post("/api/listings/", LAMP | {"title": title}, format="json").status_code == 201
    assert Listing.objects.get().title == title


@pytest.mark.parametrize(
    ("description", "status"),
    [("Two\nlines\r\n\tof text", 201), *((each, 400) for each in TURNED), ("\x1b[31m", 400)],
)
def test_a_description_has_lines_and_no_other_control_characters(
    alices: APIClient, description: str, status: int
) -> None:
    answer = alices.post("/api/listings/", LAMP | {"description": description}, format="json")
    assert answer.status_code == status
