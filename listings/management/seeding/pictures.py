"""Generated pictures of the demonstration shop: what is sold, on a table, with something small beside it."""

from random import Random

from PIL import Image, ImageDraw, ImageFilter

from listings.management.seeding.subjects import SUBJECTS, Box, Draw, Pen

SIDE = 640
SMOOTH = 2  # drawn larger and scaled down, for smooth edges: Pillow draws without antialiasing
COARSE = 4
# Colours of the wall, of the table and of the objects on it.
PALETTES = (
    ("#e9dcc9", "#b98b5e", ("#3f5e5a", "#d8a24a", "#8c3f2b", "#f3ece0", "#6b7f8c")),
    ("#cfdad6", "#7a6a58", ("#c8553d", "#f2c57c", "#28536b", "#f6f0e6", "#7f9172")),
    ("#f0d9d0", "#a0705c", ("#43506c", "#e9e2d0", "#c06c52", "#7d8f69", "#e3b448")),
    ("#3d4a52", "#6d5340", ("#e0b07a", "#d9d2c0", "#a4452c", "#8fa998", "#c98f3e")),
    ("#dfe3e8", "#9a8f84", ("#1f3a4d", "#e08e45", "#b9c4ae", "#faf4ea", "#84432f")),
    ("#f3e6c4", "#8a7a4f", ("#5b3758", "#c7773b", "#f8f3e4", "#4f7157", "#b23a48")),
)


def draw(random: Random, subject: str) -> Image.Image:
    """Draw one of SUBJECTS, SIDE × SIDE pixels; the same state of `random` gives the same picture."""
    wall, table, colours = random.choice(PALETTES)
    picture = Image.new("RGB", (SIDE * SMOOTH, SIDE * SMOOTH), wall)
    edge = SIDE * SMOOTH * 0.66
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, edge, SIDE * SMOOTH, SIDE * SMOOTH), fill=table)
    boxes = _place_objects(random, edge)
    picture = _with_shadows(picture, boxes)
    pen = ImageDraw.Draw(picture)
    shapes = [SUBJECTS[subject], random.choice(BESIDE)]
    for shape, box, colour in zip(shapes, boxes, random.sample(colours, len(boxes)), strict=True):
        shape(pen, box, colour)
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _place_objects(random: Random, edge: float) -> list[Box]:
    # The small thing beside it stands further in front, and is drawn over it.
    whole = SIDE * SMOOTH
    size, bottom = whole * random.uniform(0.5, 0.58), edge + whole * 0.1
    left = whole * random.uniform(0.14, 0.24)
    small, beside = whole * random.uniform(0.13, 0.18), left + size + whole * 0.02
    front = bottom + whole * 0.06
    return [(left, bottom - size, left + size, bottom), (beside, front - small * 1.4, beside + small, front)]


def _with_shadows(picture: Image.Image, boxes: list[Box]) -> Image.Image:
    dark = Image.new("L", (SIDE // COARSE, SIDE // COARSE))  # blurred anyway, so few pixels are enough
    pen = ImageDraw.Draw(dark)
    for box in boxes:
        left, _, right, bottom = (value / SMOOTH / COARSE for value in box)
        width = right - left
        pen.ellipse((left, bottom - width * 0.14, right + width * 0.5, bottom + width * 0.16), fill=90)
    soft = dark.filter(ImageFilter.GaussianBlur(12 / COARSE)).resize(picture.size)
    return Image.composite(Image.new("RGB", picture.size, "#1a1410"), picture, soft)


def _jar(pen: Pen, box: Box, colour: str) -> None:
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    pen.rounded_rectangle((left, top + height * 0.25, right, bottom), width * 0.3, fill=colour)
    pen.rectangle(
        (left + width * 0.3, top + height * 0.06, right - width * 0.3, bottom - height * 0.5), fill=colour
    )
    pen.rounded_rectangle(
        (left + width * 0.22, top, right - width * 0.22, top + height * 0.09), 8, fill=colour
    )
    _shine(pen, (left + width * 0.14, top + height * 0.42, left + width * 0.2, bottom - height * 0.2))


def _fruit(pen: Pen, box: Box, colour: str) -> None:
    left, _, right, bottom = box
    width = (right - left) * 0.85
    pen.ellipse((left, bottom - width, left + width, bottom), fill=colour)
    pen.line((left + width / 2, bottom - width, left + width * 0.58, bottom - width * 1.15), "#3a2d20", 8)
    _shine(pen, (left + width * 0.22, bottom - width * 0.78, left + width * 0.36, bottom - width * 0.58))


def _shine(pen: Pen, box: Box) -> None:
    pen.ellipse(box, fill="#fdf8ee")


BESIDE: tuple[Draw, ...] = (_jar, _fruit)
