"""Pictures as people upload them."""

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image


def picture(
    kind: str = "PNG", *, size: tuple[int, int] = (640, 480), mode: str = "RGB", **options: Any
) -> bytes:
    """A picture in one colour."""
    file = BytesIO()
    Image.new(mode, size, 128 if len(mode) == 1 else (200, 120, 40, 128)[: len(mode)]).save(
        file, kind, **options
    )
    return file.getvalue()


def upload(content: bytes, name: str = "armchair.png") -> SimpleUploadedFile:
    """A file in a form."""
    return SimpleUploadedFile(name, content, content_type="image/png")
