"""Pictures that people upload: looked at with suspicion and drawn anew; nothing of the file survives."""

from io import BytesIO
from typing import IO, NamedTuple

from django.core.files.base import ContentFile
from PIL import Image, ImageOps

from listings.refusals import BadImage, ImageTooLarge

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 25_000_000
LARGE, SMALL = (1_600, 1_600), (320, 320)  # at most, in pixels
WHITE = "#ffffff"

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own guard; it looks before anything is unpacked


class Picture(NamedTuple):
    """Two JPEGs of one picture."""

    large: ContentFile  # type: ignore[type-arg]  # cannot be subscripted at run time
    small: ContentFile  # type: ignore[type-arg]
    width: int
    height: int


def draw_picture(upload: IO[bytes], *, size_bytes: int) -> Picture:
    """The upload as two JPEGs, upright and without its metadata; raises ImageTooLarge or BadImage."""
    if size_bytes > MAX_BYTES:
        raise ImageTooLarge(f"An image may have {MAX_BYTES // 1024**2} MiB; this one has {size_bytes} bytes.")
    large = _decode(upload)
    large.thumbnail(LARGE)
    small = large.copy()
    small.thumbnail(SMALL)
    return Picture(encode(large), encode(small), large.width, large.height)


def encode(picture: Image.Image, *, quality: int = 82) -> ContentFile:  # type: ignore[type-arg]
    """The picture as a JPEG."""
    file = BytesIO()
    picture.save(file, "JPEG", quality=quality, optimize=True)
    return ContentFile(file.getvalue())


def _decode(upload: IO[bytes]) -> Image.Image:
    """The first frame, on white where it is transparent."""
    try:
        with Image.open(upload, formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ImageTooLarge(f"An image may have {MAX_PIXELS:,} pixels.")
            picture.draft("RGB", LARGE)  # a large JPEG is unpacked at a fraction of its size
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge(f"An image may have {MAX_PIXELS:,} pixels.") from error
    except (
        OSError,
        SyntaxError,
        ValueError,
        TypeError,
        EOFError,
    ) as error:  # Pillow's, for bad files
        raise BadImage(f"Send a picture that is {', '.join(FORMATS[:-1])} or {FORMATS[-1]}.") from error
    ground = Image.new("RGB", upright.size, WHITE)
    ground.paste(upright, mask=upright)
    return ground
