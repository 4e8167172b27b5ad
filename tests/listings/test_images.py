"""Pictures: what is uploaded is drawn anew, and what is no picture is refused."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from PIL import Image, ImageCms, ImageOps
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from listings.catalogue import images
from listings.catalogue.images import draw_picture
from listings.catalogue.moderation import withdraw_listing
from listings.models import Listing, ListingImage
from listings.refusals import BadImage, ImageTooLarge
from tests.support.pictures import picture, upload
from tests.support.problem import Answer, read_problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

NOTES = Image.Exif()
NOTES[0x0112], NOTES[0x010E] = 6, "turned by 90 degrees"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
KINDS = (("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB"), ("HEIF", "RGB"))
MEASURE = """
import os, sys
from io import BytesIO
import django
django.setup()
from listings.catalogue import images
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024
content = open(sys.argv[1], "rb").read()
before = peak()
images.draw_picture(BytesIO(content), size_bytes=len(content))
print(peak() - before)
"""


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


BREAKING = Path(__file__).parent.parent / "support/pictures_that_break"
SMALL_ONES = (
    *(picture(kind, size=(24, 16), mode=mode, exif=NOTES, icc_profile=SRGB) for kind, mode in KINDS),
    (BREAKING / "rotated-srational.jpg").read_bytes(),
    (BREAKING / "grey-16-bit.png").read_bytes(),
)
MUTATED_FILES = 3_000


def mutated(random: Random, content: bytes) -> bytes:
    """The file with a few bytes changed, cut out or doubled."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8))):
        at = random.randrange(len(changed))
        length = random.choice((1, 2, 4, 32))
        match random.randrange(4):
            case 0:
                changed[at : at + length] = random.randbytes(length)
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[at : at + length]
            case _:
                changed[at] ^= 1 << random.randrange(8)
        changed = changed or bytearray(b"\0")
    return bytes(changed)


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore:::PIL")
def test_a_file_is_a_picture_or_refused_whatever_is_wrong_with_it() -> None:
    random = Random(20_261_129)
    outcomes = Counter[str]()
    for number in range(MUTATED_FILES):
        content = mutated(random, SMALL_ONES[number % len(SMALL_ONES)])
        try:
            draw_picture(BytesIO(content), size_bytes=len(content))
            outcomes["drawn"] += 1
        except (BadImage, ImageTooLarge) as error:
            outcomes[type(error).__name__] += 1
    assert outcomes["drawn"] > MUTATED_FILES / 20
    assert outcomes["BadImage"] > MUTATED_FILES / 20


def test_notes_that_cannot_be_written_again_are_only_left_behind(
    seller: APIClient, armchair: Listing
) -> None:
    answer = send(seller, armchair, (BREAKING / "rotated-srational.jpg").read_bytes())
    assert answer.status_code == 201
    assert (answer.json()["width"], answer.json()["height"]) == (60, 120)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_turned_upright(orientation: int) -> None:
    """Against Pillow's own function, which also writes the notes anew and so cannot be used."""
    original = Image.new("RGB", (64, 32), "blue")
    original.paste("red", (0, 0, 32, 16))
    notes = Image.Exif()
    notes[0x0112] = orientation
    file = BytesIO()
    original.save(file, "PNG", exif=notes)
    drawn = Image.open(draw_picture(file, size_bytes=1).large)
    expected = ImageOps.exif_transpose(Image.open(file))
    corners = [(8, 8), (expected.width - 8, 8), (8, expected.height - 8)]
    assert drawn.size == expected.size
    for corner in corners:
        assert near(drawn.getpixel(corner), expected.getpixel(corner))


def near(one: Any, other: Any) -> bool:
    return all(abs(a - b) < 12 for a, b in zip(one, other, strict=True))


def test_sixteen_bits_of_grey_stay_a_ramp() -> None:
    content = (BREAKING / "grey-16-bit.png").read_bytes()
    drawn = Image.open(draw_picture(BytesIO(content), size_bytes=len(content)).large)
    shades = [drawn.getpixel((x, 32))[0] for x in (2, 64, 128, 192, 253)]  # type: ignore[index]
    assert shades == sorted(shades)
    assert shades[0] < 20
    assert 110 < shades[2] < 146
    assert shades[-1] > 235


def test_a_colour_profile_is_applied_before_it_is_dropped() -> None:
    content = (BREAKING / "prophoto-200-150-120.jpg").read_bytes()
    drawn = Image.open(draw_picture(BytesIO(content), size_bytes=len(content)).large)
    assert "icc_profile" not in drawn.info
    red, green, blue = drawn.getpixel((20, 20))  # type: ignore[misc]
    assert red > 225  # the numbers alone are 200, 150, 120: a wide profile means a stronger red by them
    assert abs(green - 150) + abs(blue - 120) > 10


def test_a_photograph_of_an_iphone_is_taken_upright(seller: APIClient, armchair: Listing) -> None:
    answer = send(seller, armchair, picture("HEIF", size=(64, 48), exif=NOTES.tobytes()), "IMG_0001.HEIC")
    assert answer.status_code == 201, answer.content
    assert (answer.json()["width"], answer.json()["height"]) == (48, 64)


def test_a_small_file_that_costs_much_memory_is_refused_unread(seller: APIClient, armchair: Listing) -> None:
    problem = read_problem(send(seller, armchair, (BREAKING / "one-colour-5000x5000.webp").read_bytes()), 413)
    assert "as WEBP" in problem["detail"]


def test_pictures_are_decoded_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch, seller: APIClient, armchair: Listing
) -> None:
    monkeypatch.setattr(images, "MAX_WAIT_SECONDS", 0.01)
    with images.DECODING:
        read_problem(send(seller, armchair, picture()), 503)
    assert send(seller, armchair, picture()).status_code == 201


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("kind", "side"), [("JPEG", 5_000), ("PNG", 5_000), ("WEBP", 3_850)])
def test_the_largest_picture_costs_no_more_memory_than_is_bounded(
    kind: str, side: int, tmp_path: Path
) -> None:
    file = tmp_path / "large"
    file.write_bytes(picture(kind, size=(side, side)))
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, str(file)], check=True, capture_output=True, text=True
    )
    assert int(measured.stdout) < images.MAX_DECODED_BYTES


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


def test_a_form_with_more_than_one_picture_is_refused_and_none_is_taken(
    seller: APIClient, armchair: Listing, media: Path
) -> None:
    url = f"/api/listings/{armchair.pk}/images/"
    two = seller.post(url, {"image": [upload(picture()), upload(picture())]}, format="multipart")
    assert "image" in read_problem(two, 400)["errors"]
    other = seller.post(
        url, {"image": upload(picture()), "cover": upload(picture()), "title": "x"}, format="multipart"
    )
    assert read_problem(other, 400)["errors"].keys() == {"cover", "title"}
    assert not ListingImage.objects.exists()


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
    with django_assert_num_queries(3):
        anybody.get("/api/listings/")


@pytest.mark.django_db(transaction=True)
def test_what_staff_withdrew_keeps_its_pictures_and_cannot_be_deleted(
    seller: APIClient, armchair: Listing, media: Path
) -> None:
    image = send(seller, armchair, picture()).json()
    withdraw_listing(armchair.pk, by="carol", reason="stolen goods")
    for path in (f"/api/listings/{armchair.pk}/", f"/api/listings/{armchair.pk}/images/{image['id']}/"):
        problem = read_problem(seller.delete(path), 403)
        assert problem["type"].endswith("withdrawn-by-staff")
    problem = read_problem(send(seller, armchair, picture()), 403)
    assert problem["type"].endswith("withdrawn-by-staff")
    assert ListingImage.objects.count() == 1
    assert len(files(media)) == 2
