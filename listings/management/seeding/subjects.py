"""Drawings of what the demonstration shop sells, one for each word or category of its titles."""

from collections.abc import Callable

from PIL import ImageDraw

from listings.models import Category

DARK = "#332820"
PALE = "#f6ecd8"
Box = tuple[float, float, float, float]  # left, top, right, bottom
Pen = ImageDraw.ImageDraw
Draw = Callable[[Pen, Box, str], None]


def part(box: Box, left: float, top: float, right: float, bottom: float) -> Box:
    """Return a part of the box, given in hundredths of its width and height."""
    x, y = box[0], box[1]
    width, height = (box[2] - x) / 100, (box[3] - y) / 100
    return x + left * width, y + top * height, x + right * width, y + bottom * height


def _armchair(pen: Pen, box: Box, colour: str) -> None:
    for leg in (14, 76):
        pen.rectangle(part(box, leg, 86, leg + 10, 100), fill=DARK)
    pen.rounded_rectangle(part(box, 12, 5, 88, 75), 40, fill=colour, outline=DARK, width=6)
    pen.rounded_rectangle(part(box, 18, 52, 82, 72), 24, fill=PALE, outline=DARK, width=6)
    pen.rectangle(part(box, 10, 68, 90, 88), fill=colour, outline=DARK, width=6)
    for arm in (0, 80):
        pen.rounded_rectangle(part(box, arm, 42, arm + 20, 89), 34, fill=colour, outline=DARK, width=6)


def _lamp(pen: Pen, box: Box, colour: str) -> None:
    pen.rectangle(part(box, 48, 35, 52, 96), fill=DARK)
    pen.ellipse(part(box, 28, 92, 72, 100), fill=DARK)
    shade = [part(box, x, y, x, y)[:2] for x, y in ((34, 2), (66, 2), (88, 42), (12, 42))]
    pen.polygon(shade, fill=colour)
    pen.ellipse(part(box, 43, 39, 57, 49), fill="#fff3c4")


def _frame(pen: Pen, box: Box, colour: str) -> None:
    pen.rectangle(part(box, 10, 0, 90, 100), fill="#8a6a35")
    pen.rectangle(part(box, 18, 8, 82, 92), fill=PALE)
    pen.pieslice(part(box, 24, 60, 76, 124), 180, 360, fill=colour)
    pen.ellipse(part(box, 37, 24, 63, 60), fill="#e2b48c")
    pen.pieslice(part(box, 34, 18, 66, 56), 180, 360, fill=DARK)


def _books(pen: Pen, box: Box, colour: str) -> None:
    for top, left, right, cover in ((22, 12, 84, PALE), (48, 4, 92, colour), (74, 0, 96, DARK)):
        pen.rounded_rectangle(part(box, left, top, right, top + 26), 10, fill=cover)
        pen.rectangle(part(box, left + 6, top + 8, right, top + 18), fill="#fffaf0")
        pen.rectangle(part(box, left + 6, top + 12, right, top + 14), fill="#cdbfa6")


def _coat(pen: Pen, box: Box, colour: str) -> None:
    pen.arc(part(box, 42, 0, 58, 16), 150, 400, fill=DARK, width=8)
    left = ((28, 18), (2, 66), (16, 72), (28, 46), (22, 98))
    outline = [*left, *((100 - x, y) for x, y in reversed(left)), (50, 12)]
    pen.polygon([part(box, x, y, x, y)[:2] for x, y in outline], fill=colour)
    pen.line([*part(box, 50, 20, 50, 20)[:2], *part(box, 50, 98, 50, 98)[:2]], fill=DARK, width=6)
    for button in (36, 52, 68):
        pen.ellipse(part(box, 53, button, 58, button + 4), fill=PALE)


def _radio(pen: Pen, box: Box, colour: str) -> None:
    pen.line([*part(box, 70, 40, 70, 40)[:2], *part(box, 92, 2, 92, 2)[:2]], fill=DARK, width=8)
    pen.rounded_rectangle(part(box, 0, 38, 100, 100), 40, fill=colour)
    pen.ellipse(part(box, 8, 48, 46, 92), fill=DARK)
    pen.ellipse(part(box, 15, 56, 39, 84), fill=PALE)
    pen.rectangle(part(box, 54, 50, 92, 62), fill=PALE)
    for knob in (57, 77):
        pen.ellipse(part(box, knob, 70, knob + 12, 85), fill=PALE)


def _pawn(pen: Pen, box: Box, colour: str) -> None:
    pen.polygon([part(box, x, y, x, y)[:2] for x, y in ((40, 36), (60, 36), (74, 88), (26, 88))], fill=colour)
    pen.ellipse(part(box, 31, 0, 69, 36), fill=colour)
    pen.rounded_rectangle(part(box, 28, 33, 72, 42), 10, fill=colour)
    pen.rounded_rectangle(part(box, 16, 84, 84, 100), 14, fill=colour)
    pen.ellipse(part(box, 39, 7, 47, 15), fill=PALE)


def _hourglass(pen: Pen, box: Box, colour: str) -> None:
    glass = [part(box, x, y, x, y)[:2] for x, y in ((24, 8), (76, 8), (53, 50), (76, 92), (24, 92), (47, 50))]
    pen.polygon(glass, fill=PALE)
    sand = [part(box, x, y, x, y)[:2] for x, y in ((50, 68), (72, 90), (28, 90))]
    pen.polygon(sand, fill=colour)
    for top in (0, 92):
        pen.rounded_rectangle(part(box, 16, top, 84, top + 8), 10, fill=DARK)


SUBJECTS: dict[str, Draw] = {
    "lamp": _lamp,
    Category.ART: _frame,
    Category.BOOKS: _books,
    Category.CLOTHING: _coat,
    Category.ELECTRONICS: _radio,
    Category.FURNITURE: _armchair,
    Category.TOYS: _pawn,
    Category.OTHER: _hourglass,
}


def subject_of(title: str, category: str) -> str:
    """Return the key in SUBJECTS that fits a listing: a word of its title, else its category."""
    return next((word for word in title.lower().split() if word in SUBJECTS), category)
