"""Pictures: what is uploaded is drawn anew, and what is no picture is refused."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from PIL import Image
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from listings.models import Listing, ListingImage
from tests.support.pictures import picture, upload
from tests.support.problem import Answer, read_problem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def seller(alice: User, client_of: Callable[[User], APIClient]) -> APIClient:
    return client_of(alice)


def send(client: APIClient, listing: Listing, content: bytes, name: str = "armchair.png") -> Answer:
    form = {"image": upload(content, name)}
    response: Answer = client.post(f"/api/listings/{listing.pk}/images/", form, format="multipart")
    return response


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "L"), ("PNG", "P"), ("JPEG", "CMYK"), ("WEBP", "RGB")],
)
def test_a_picture_is_stored_as_a_jpeg_with_a_thumbnail(
    seller: APIClient, anybody: APIClient, armchair: Listing, kind: str, mode: str
) -> None:
    answer = send(seller, armchair, picture(kind, mode=mode)).json()
    assert (answer["width"], answer["height"]) == (640, 480)
    image = ListingImage.objects.get()
    for name, size in ((image.large.name, (640, 480)), (image.small.name, (320, 240))):
        with default_storage.open(str(name)) as file, Image.open(file) as stored:
            assert (stored.format, stored.mode, stored.size) == ("JPEG", "RGB", size)
    [shown] = anybody.get(f"/api/listings/{armchair.pk}/").json()["images"]
    assert shown == answer


def test_a_large_picture_is_made_smaller(seller: APIClient, armchair: Listing) -> None:
    answer = send(seller, armchair, picture("JPEG", size=(4_000, 3_000))).json()
    assert (answer["width"], answer["height"]) == (1_600, 1_200)


def test_a_picture_stands_upright_and_says_nothing_of_where_it_was_taken(
    seller: APIClient, armchair: Listing
) -> None:
    notes = Image.Exif()
    notes[0x0112], notes[0x010E] = 6, "taken at home"  # turned by 90°; a description
    send(seller, armchair, picture("JPEG", size=(640, 480), exif=notes))
    stored = ListingImage.objects.get()
    assert (stored.width, stored.height) == (480, 640)
    content = Path(stored.large.path).read_bytes()
    assert b"taken at home" not in content
    assert not Image.open(BytesIO(content)).getexif()


NO_PICTURES = {
    "text": b"an armchair",
    "a page": b"<html><script>alert(1)</script></html>",
    "a drawing with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "half a picture": picture("JPEG", size=(800, 800))[:900],
    "a broken one": picture()[:60] + b"\0" * 200,
    "a format that is not taken": picture("BMP"),
    "another that is not": picture("GIF", mode="P"),
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
}


@pytest.mark.parametrize("kind", NO_PICTURES)
def test_what_is_no_picture_is_refused(seller: APIClient, armchair: Listing, media: Path, kind: str) -> None:
    read_problem(send(seller, armchair, NO_PICTURES[kind]), 400)
    assert not ListingImage.objects.exists()
    assert files(media) == []


@pytest.mark.parametrize("size", [(5_100, 5_000), (30_000, 3_000), (60_000, 60_000)])
def test_a_small_file_that_unpacks_to_a_huge_picture_is_refused(
    seller: APIClient, armchair: Listing, size: tuple[int, int]
) -> None:
    bomb = bytearray(picture(size=(1, 1)))
    bomb[16:24] = b"".join(
        side.to_bytes(4, "big") for side in size
    )  # PNG's IHDR; nothing is unpacked to see it
    checksum = __import__("zlib").crc32(bytes(bomb[12:29]))
    bomb[29:33] = checksum.to_bytes(4, "big")
    read_problem(send(seller, armchair, bytes(bomb)), 413)


def test_a_file_that_is_too_large_is_not_even_read(seller: APIClient, armchair: Listing) -> None:
    read_problem(send(seller, armchair, b"\0" * (5 * 1024**2 + 1)), 413)
    read_problem(send(seller, armchair, b"\0" * (6 * 1024**2)), 413)


@pytest.mark.parametrize("body", [{}, {"image": "armchair.png"}, {"picture": "x"}])
def test_a_form_without_a_file_is_refused(seller: APIClient, armchair: Listing, body: dict[str, str]) -> None:
    response = seller.post(f"/api/listings/{armchair.pk}/images/", body, format="multipart")
    assert list(read_problem(response, 400)["errors"]) == ["image"]


def test_a_file_is_named_by_us(seller: APIClient, armchair: Listing, media: Path) -> None:
    send(seller, armchair, picture(), "../../evil.html")
    assert {path.suffix for path in files(media)} == {".jpg"}
    assert {path.parent for path in files(media)} == {media / f"listings/{armchair.pk}"}


def test_a_listing_has_eight_pictures_at_most(seller: APIClient, armchair: Listing, media: Path) -> None:
    small = picture(size=(8, 8))
    statuses = [send(seller, armchair, small).status_code for _ in range(9)]
    assert statuses == 8 * [201] + [409]
    assert len(files(media)) == 16


@pytest.mark.django_db(transaction=True)
def test_pictures_go_with_their_listing(seller: APIClient, armchair: Listing, media: Path) -> None:
    first, _ = (send(seller, armchair, picture()).json() for _ in range(2))
    assert len(files(media)) == 4
    url = f"/api/listings/{armchair.pk}/images/{first['id']}/"
    assert seller.delete(url).status_code == 204
    read_problem(seller.delete(url), 404)
    assert len(files(media)) == 2
    seller.delete(f"/api/listings/{armchair.pk}/")
    assert files(media) == []


@pytest.mark.parametrize("pictures", [0, 3])
def test_pictures_cost_a_page_one_query_however_many(
    anybody: APIClient,
    put_on_sale: Callable[..., Listing],
    django_assert_num_queries: DjangoAssertNumQueries,
    pictures: int,
) -> None:
    for _ in range(5):
        listing = put_on_sale()
        for _ in range(pictures):
            ListingImage.objects.create(listing=listing, large="a.jpg", small="b.jpg", width=1, height=1)
    with django_assert_num_queries(2):
        anybody.get("/api/listings/")
