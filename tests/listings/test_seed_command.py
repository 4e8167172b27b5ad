"""`manage.py seed`: the same number makes the same shop, once."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from pytest_django import Settings
from rest_framework.test import APIClient

from listings.management.seeding import pictures
from listings.models import Listing, ListingImage

pytestmark = pytest.mark.django_db

FIRST_LOOK = 7


@pytest.fixture(autouse=True)
def quick(media: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEBUG = True  # elsewhere it wants a flag: tests/microstore/test_demonstration.py
    monkeypatch.setattr(pictures, "SIDE", 64)  # ten seconds of drawing a shop otherwise


def seed(*options: str) -> str:
    told = StringIO()
    call_command("seed", *options, stdout=told)
    return told.getvalue()


def shop(name: str) -> list[Any]:
    things = Listing.objects.filter(seller__username__startswith=f"{name}.").order_by("id")
    return list(
        things.values_list("title", "description", "category", "price_cents", "quantity", "available")
    )


def test_a_shop_is_as_large_as_it_was_asked_to_be() -> None:
    told = seed("--listings", "60", "--users", "4")
    assert "Made 60 listings" in told
    assert len(shop("seed1")) == 60
    assert User.objects.filter(username__startswith="seed1.").count() == 4
    assert ListingImage.objects.count() == Listing.objects.count() == 60 + FIRST_LOOK
    assert all(price_cents > 0 for *_, price_cents, _, _ in shop("seed1"))


def test_a_large_shop_shows_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    seed("--listings", "2001", "--users", "2")
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == ["2000 of 2001 listings are made", "2001 of 2001 listings are made"]


def test_a_picture_shows_what_its_title_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # as large as in the shop
    seed("--listings", "50")
    seeded = ListingImage.objects.filter(listing__seller__username__startswith="seed1.")
    for image in seeded.select_related("listing"):
        assert image.listing
        subject = "lamp" if " lamp " in image.listing.title else image.listing.category
        assert f"/{subject}-" in str(image.large.name), image.listing.title
    assert seeded.count() == 50


def test_what_is_there_already_is_left_alone() -> None:
    seed("--listings", "5")
    before = Listing.objects.count(), User.objects.count()
    told = seed("--listings", "5")
    assert "Seeded before." in told
    assert "Made 0 listings" in told
    assert (Listing.objects.count(), User.objects.count()) == before


def test_the_same_number_makes_the_same_shop_and_another_one_another() -> None:
    seed("--listings", "20", "--seed", "1")
    first = shop("seed1")
    seed("--listings", "20", "--seed", "2")
    assert shop("seed2") != first
    Listing.objects.filter(seller__username__startswith="seed1.").delete()
    User.objects.filter(username__startswith="seed1.").delete()
    seed("--listings", "20", "--seed", "1")
    assert shop("seed1") == first


def test_its_users_can_log_in(anybody: APIClient) -> None:
    seed("--listings", "1", "--users", "1")
    user = User.objects.get(username__startswith="seed1.")
    known = {"username": user.username, "password": "microstore"}
    answer = anybody.post("/api/auth/token/", known, format="json")
    assert answer.status_code == 200
