"""Pictures of what is not on sale are seen by its seller, its buyers and staff, under no public name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings
from rest_framework.test import APIClient

from listings.buying.place import Purchase
from listings.buying.purchase import buy_listing
from listings.catalogue import picture_files
from listings.catalogue.moderation import restore_listing, withdraw_listing
from listings.models import DiscardedFile, Listing, ListingImage
from tests.support.pictures import picture, upload
from tests.support.problem import read_problem
from tests.support.roles import client_as
from tests.support.tokens import claims_of, sign

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


@pytest.fixture
def of_alice(alice: User, client_of: Callable[[User], APIClient]) -> APIClient:
    return client_of(alice)


def names() -> set[str]:
    """The names of all pictures' files."""
    return {name for image in ListingImage.objects.all() for name in picture_files.names_of(image)}


def add_picture(client: APIClient, listing: Listing) -> dict[str, Any]:
    form = {"image": upload(picture())}
    shown: dict[str, Any] = client.post(
        f"/api/listings/{listing.pk}/images/", form, format="multipart"
    ).json()
    return shown


def files(media: Path) -> set[str]:
    return {path.relative_to(media).as_posix() for path in media.rglob("*") if path.is_file()}


def test_pictures_of_a_draft_are_for_its_seller(
    of_alice: APIClient,
    api: APIClient,
    anybody: APIClient,
    seller: Client,
    put_on_sale: Callable[..., Listing],
) -> None:
    draft = put_on_sale(status="draft")
    shown = add_picture(of_alice, draft)
    for url in (shown["url"], shown["thumbnail_url"]):
        assert not any(name in url for name in names())
        for client in (of_alice, seller):
            seen = client.get(url)
            assert (seen.status_code, seen.headers["Content-Type"]) == (200, "image/jpeg")
            assert seen.headers["Cache-Control"] == "no-store"
            assert seen.content.startswith(b"\xff\xd8")
        for stranger in (api, anybody, Client()):
            assert stranger.get(url).status_code == 404
    assert (
        shown["url"].removeprefix("http://testserver")
        in seller.get(f"/listings/{draft.pk}/").content.decode()
    )


def test_pictures_of_what_is_on_sale_are_served_by_name(
    of_alice: APIClient, anybody: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    listing = put_on_sale(status="draft")
    add_picture(of_alice, listing)
    shown = of_alice.post(f"/api/listings/{listing.pk}/publish/").json()["images"][0]
    assert anybody.get(f"/api/listings/{listing.pk}/").json()["images"] == [shown]
    assert {shown["url"], shown["thumbnail_url"]} == {f"http://testserver/media/{name}" for name in names()}


@pytest.mark.parametrize("by", ["staff", "seller"])
def test_whoever_knew_the_name_of_a_picture_finds_nothing_there_once_it_is_withdrawn(
    of_alice: APIClient, anybody: APIClient, armchair: Listing, media: Path, by: str
) -> None:
    for _ in range(2):
        add_picture(of_alice, armchair)
    known = names()
    assert files(media) == known
    if by == "staff":
        withdraw_listing(armchair.pk, by="carol", reason="stolen goods")
    else:
        of_alice.post(f"/api/listings/{armchair.pk}/withdraw/")
    assert len(names()) == 4
    assert names().isdisjoint(known)
    assert files(media) == names()
    [first, _] = of_alice.get(f"/api/listings/{armchair.pk}/").json()["images"]
    assert of_alice.get(first["url"]).status_code == 200
    assert anybody.get(first["url"]).status_code == 404
    if by == "staff":
        restore_listing(armchair.pk, by="carol", reason="they were not")
        assert default_storage.exists(next(iter(names())))


def test_staff_see_the_pictures_of_what_they_withdrew(of_alice: APIClient, armchair: Listing) -> None:
    add_picture(of_alice, armchair)
    withdraw_listing(armchair.pk, by="carol", reason="stolen goods")
    image = ListingImage.objects.get()
    staff = client_as("support")
    assert image.small_url in staff.get(f"/admin/listings/listing/{armchair.pk}/change/").content.decode()
    assert staff.get(image.small_url).status_code == 200
    assert client_as("finance").get(image.small_url).status_code == 404


def test_staff_without_their_second_factor_see_no_picture_of_a_draft(
    of_alice: APIClient, armchair: Listing, settings: Settings
) -> None:
    """Nor with a token: the API gives nobody the rights of staff."""
    add_picture(of_alice, armchair)
    withdraw_listing(armchair.pk, by="carol", reason="stolen goods")
    url = ListingImage.objects.get().small_url
    settings.STAFF_SECOND_FACTOR = True
    staff = client_as("admin")
    assert staff.get(url).status_code == 404
    user = User.objects.get(username="one-of-admin")
    token = sign(claims_of(user.pk) | {"is_staff": True, "is_superuser": True})
    assert Client().get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 404
    device = TOTPDevice.objects.create(user=user)
    session = staff.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    assert staff.get(url).status_code == 200


def test_a_buyer_sees_what_was_there_when_it_was_bought(
    of_alice: APIClient, api: APIClient, armchair: Listing, purchase: Callable[..., Purchase]
) -> None:
    add_picture(of_alice, armchair)
    buy_listing(purchase())
    of_alice.post(f"/api/listings/{armchair.pk}/withdraw/")
    later = add_picture(of_alice, armchair)
    assert api.get(ListingImage.objects.earliest("id").large_url).status_code == 200
    assert api.get(later["url"]).status_code == 404


def test_pictures_of_a_suspended_seller_are_for_her_buyers(
    of_alice: APIClient,
    api: APIClient,
    anybody: APIClient,
    alice: User,
    armchair: Listing,
    purchase: Callable[..., Purchase],
) -> None:
    image = add_picture(of_alice, armchair)
    buy_listing(purchase())
    url = f"/pictures/{image['id']}/large.jpg"
    assert anybody.get(url).status_code == 200
    alice.is_active = False
    alice.save()
    assert anybody.get(url).status_code == 404
    assert api.get(url).status_code == 200


def test_what_staff_withdrew_is_not_rewritten_by_its_seller(of_alice: APIClient, armchair: Listing) -> None:
    withdraw_listing(armchair.pk, by="carol", reason="stolen goods")
    url = f"/api/listings/{armchair.pk}/"
    edition = {"If-Match": of_alice.get(url).headers["ETag"]}
    problem = read_problem(of_alice.patch(url, {"title": "Honest"}, format="json", headers=edition), 403)
    assert problem["type"].endswith("withdrawn-by-staff")
    armchair.refresh_from_db()
    assert armchair.title == "Crunchy armchair"


def test_a_picture_that_several_listings_show_stays_for_the_others(
    put_on_sale: Callable[..., Listing], media: Path
) -> None:
    shared = {
        "large": default_storage.save("seed/1.jpg", upload(picture())),
        "small": default_storage.save("seed/1-small.jpg", upload(picture())),
        "width": 1,
        "height": 1,
    }
    one, other = (put_on_sale() for _ in range(2))
    for listing in (one, other):
        ListingImage.objects.create(listing=listing, **shared)
    withdraw_listing(one.pk, by="carol", reason="stolen goods")
    assert {"seed/1.jpg", "seed/1-small.jpg"} < files(media)
    withdraw_listing(other.pk, by="carol", reason="stolen goods")
    assert files(media) == names()
    assert len(names()) == 4


def test_files_that_a_process_left_behind_are_deleted_by_the_next(
    of_alice: APIClient, armchair: Listing, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_picture(of_alice, armchair)
    with monkeypatch.context() as patch:
        patch.setattr(picture_files, "delete_discarded", lambda: None)  # it dies after the commit
        withdraw_listing(armchair.pk, by="carol", reason="stolen goods")
    assert len(files(media) - names()) == 2
    restore_listing(armchair.pk, by="carol", reason="they were not")
    of_alice.post(f"/api/listings/{armchair.pk}/withdraw/")
    assert files(media) == names()
    assert not DiscardedFile.objects.exists()


def test_a_withdrawal_that_is_refused_leaves_the_files_as_they_were(
    of_alice: APIClient, armchair: Listing, media: Path
) -> None:
    add_picture(of_alice, armchair)
    known = names()
    headers = {"If-Match": '"99"'}
    assert of_alice.post(f"/api/listings/{armchair.pk}/withdraw/", headers=headers).status_code == 412
    assert files(media) == names() == known


def test_a_listing_whose_file_is_lost_is_withdrawn_all_the_same(
    of_alice: APIClient, armchair: Listing
) -> None:
    image = ListingImage.objects.create(listing=armchair, large="a.jpg", small="b.jpg", width=1, height=1)
    assert of_alice.post(f"/api/listings/{armchair.pk}/withdraw/").status_code == 200
    assert of_alice.get(f"/pictures/{image.pk}/large.jpg").status_code == 404
