"""Uploaded pictures: bounded by the memory that decoding takes, then encoded again without metadata."""

from io import BytesIO
from threading import BoundedSemaphore
from typing import IO

import structlog
from django.core.files.base import ContentFile
from django.utils.translation import gettext, gettext_noop
from PIL import Image, ImageCms
from pillow_heif import register_heif_opener

from listings.catalogue.picture_files import Picture
from listings.refusals import BadImage, ImagesBusy, ImageTooLarge

log = structlog.get_logger(__name__)

MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 25_000_000
# Peak memory for a picture of 25 megapixels, measured: 170 MiB for a progressive JPEG, 256 for a PNG with
# transparency, 178 for HEIC, and 425 for WebP, which is decoded into two canvases and copied.
BYTES_PER_PIXEL = {"JPEG": 8, "PNG": 10, "WEBP": 18, "HEIF": 10}
MAX_DECODED_BYTES = 256 * 1024 * 1024
FORMATS = tuple(BYTES_PER_PIXEL)
ACCEPTED = gettext_noop("Send a picture that is JPEG, PNG, WebP or HEIC.")
LARGE, SMALL = (1_600, 1_600), (320, 320)  # at most, in pixels
QUALITY = 82  # of a JPEG, in Pillow's scale of 1 to 95
WHITE = "#ffffff"
ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# One at a time in a process: MAX_DECODED_BYTES then bounds the process, however many threads it has.
DECODING = BoundedSemaphore(1)
MAX_WAIT_SECONDS = 10.0

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own guard; it checks before anything is decoded
register_heif_opener(thumbnails=False)


def draw_picture(upload: IO[bytes], *, size_bytes: int) -> Picture:
    """Return the upload as two JPEGs in sRGB, upright and without its metadata.

    Raises ImageTooLarge, BadImage, or ImagesBusy if other uploads are still decoded after MAX_WAIT_SECONDS.
    """
    if size_bytes > MAX_BYTES:
        text = gettext("An image may have {most} MiB; this one has {bytes} bytes.")
        raise ImageTooLarge(text.format(most=MAX_BYTES // 1024**2, bytes=size_bytes))
    if not DECODING.acquire(timeout=MAX_WAIT_SECONDS):
        raise ImagesBusy(gettext("Many pictures are being uploaded. Send it again shortly."))
    try:
        large = _decode(upload)
        small = large.copy()
        small.thumbnail(SMALL)
        return Picture(encode(large), encode(small), large.width, large.height)
    finally:
        DECODING.release()


def encode(picture: Image.Image) -> ContentFile:  # type: ignore[type-arg]
    """Return the picture as a JPEG file."""
    file = BytesIO()
    picture.save(file, "JPEG", quality=QUALITY, optimize=True)
    return ContentFile(file.getvalue())


def _decode(upload: IO[bytes]) -> Image.Image:
    try:
        with Image.open(upload, formats=FORMATS) as picture:
            _ensure_fits_in_memory(picture)
            picture.draft(None, LARGE)  # a large JPEG is decoded at a fraction of its size
            picture.load()  # here: after a failed load Pillow takes a broken file for a whole, black picture
            small = _with_plain_pixels(picture)
            small.thumbnail(LARGE)  # first, since the steps below copy the picture several times
            turn = UPRIGHT.get(_orientation(picture))
            upright = small if turn is None else small.transpose(turn)
            return _to_srgb(_on_white(upright), picture.info.get("icc_profile"))
    except ImageTooLarge:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise ImageTooLarge(
            gettext("An image may have {most} pixels.").format(most=f"{MAX_PIXELS:,}")
        ) from error
    except Exception as error:  # parsers raise anything for a bad file, struct.error and KeyError too
        raise BadImage(gettext(ACCEPTED)) from error


def _ensure_fits_in_memory(picture: Image.Image) -> None:
    # A blue sky of 25 megapixels is a WebP of one kilobyte: the size of the file bounds nothing.
    kind = picture.format if picture.format in BYTES_PER_PIXEL else "JPEG"  # MPO is two JPEGs in one file
    most = min(MAX_PIXELS, MAX_DECODED_BYTES // BYTES_PER_PIXEL[str(kind)])
    if picture.width * picture.height > most:
        text = gettext("An image may have {most} pixels as {kind}.")
        raise ImageTooLarge(text.format(most=f"{most:,}", kind=kind))


def _with_plain_pixels(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits of grey; convert("L") would make all above 255 white
        return picture.point(lambda value: value * (1 / 256)).convert("L")
    transparent = "transparency" in picture.info
    if picture.mode in ("L", "LA", "RGB", "RGBA", "CMYK") and not transparent:
        return picture
    return picture.convert("RGBA" if transparent or picture.mode in ("PA", "La", "RGBa") else "RGB")


def _orientation(picture: Image.Image) -> int:
    try:
        value = picture.getexif().get(ORIENTATION)
    except Exception as error:  # noqa: BLE001  # unreadable EXIF means no rotation
        log.info("image_exif_unreadable", error=repr(error))
        return 0
    return value if isinstance(value, int) else 0


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.mode.endswith("A"):
        return picture
    colours = picture.mode.removesuffix("A")
    background = Image.new(colours, picture.size, WHITE)
    background.paste(picture.convert(colours), mask=picture.getchannel("A"))
    return background


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile:
        return picture.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except Exception as error:  # noqa: BLE001  # browsers, too, show a picture whose profile is broken
        log.info("image_profile_unreadable", error=repr(error))
        return picture.convert("RGB")
    assert converted is not None
    converted.info.pop("icc_profile", None)
    return converted
