"""A believable shop, made up: the same one for the same number."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw

from listings.models import Category

Colour = tuple[int, int, int]

KINDS: dict[Category, tuple[tuple[str, ...], tuple[int, int]]] = {
    Category.ART: (("Etching", "Linocut", "Oil painting", "Portrait", "Seascape", "Still life"), (40, 900)),
    Category.BOOKS: (("Atlas", "Cookbook", "Diary", "Field guide", "Novel", "Songbook"), (4, 60)),
    Category.CLOTHING: (("Cap", "Coat", "Jersey", "Pair of boots", "Scarf", "Waistcoat"), (9, 220)),
    Category.ELECTRONICS: (
        ("Amplifier", "Camera", "Metronome", "Radio", "Phonograph", "Torch"),
        (15, 600),
    ),
    Category.FURNITURE: (("Armchair", "Bookcase", "Lamp", "Sideboard", "Stool", "Writing desk"), (25, 1_200)),
    Category.TOYS: (("Chess set", "Kite", "Music box", "Puppet", "Puzzle", "Tin robot"), (3, 90)),
    Category.OTHER: (("Barometer", "Bicycle bell", "Globe", "Hourglass", "Tea tin", "Umbrella"), (5, 150)),
}
ADJECTIVES = (
    *(
        "Blue",
        "Brass",
        "Crunchy",
        "Curious",
        "Dependable",
        "Elderly",
        "Faded",
        "Folding",
        "Green",
        "Handmade",
    ),
    *("Heavy", "Hopeful", "Late", "Light", "Melancholy", "Modest", "Nearly new", "Oak", "Patient", "Plain"),
    *("Quiet", "Red", "Restored", "Rural", "Silver", "Sturdy", "Travelling", "Unlikely", "Walnut", "Yellow"),
)
ORIGINS = (
    *(
        "from a lighthouse",
        "from a closed cinema",
        "from Lisbon",
        "from Oslo",
        "from the attic",
        "from the coast",
    ),
    *(
        "of the old school",
        "with a story",
        "with one owner",
        "with its box",
        "for small rooms",
        "for rainy days",
    ),
)
SENTENCES = (
    *("Works as it should.", "One corner is worn, the rest is not.", "It has been cleaned and looked after."),
    *("Bought years ago, and kept because of its colour.", "Collected from a house by the river."),
    *("A little heavier than it looks.", "The previous owner cried when it went.", "No smoke, two cats."),
    *("Comes well packed.", "It does one thing, and does it well.", "Smells faintly of oranges."),
)
FIRST = ("ada", "ben", "chiara", "dmitri", "esra", "finn", "grace", "hana", "ivo", "june", "kofi", "lena")
LAST = (
    "abara",
    "berg",
    "costa",
    "dahl",
    "evans",
    "fischer",
    "garcia",
    "haas",
    "ito",
    "jensen",
    "kaya",
    "lund",
)


@dataclass(frozen=True)
class Thing:
    """Something to be sold."""

    title: str
    description: str
    category: Category
    price_cents: int
    quantity: int


def invent_names(count: int) -> Iterator[str]:
    """Users' names, each once."""
    for number in range(count):
        first, last = FIRST[number % len(FIRST)], LAST[number // len(FIRST) % len(LAST)]
        yield f"{first}.{last}.{number + 1}"


def invent_things(random: Random, count: int) -> Iterator[Thing]:
    """Things with names, descriptions and prices that go with them."""
    categories = list(KINDS)
    for _ in range(count):
        category = random.choice(categories)
        kinds, (lowest, highest) = KINDS[category]
        yield Thing(
            title=f"{random.choice(ADJECTIVES)} {random.choice(kinds).lower()} {random.choice(ORIGINS)}",
            description=" ".join(random.sample(SENTENCES, 3)),
            category=category,
            # Most are cheap, and prices end as prices do.
            price_cents=int(lowest * (highest / lowest) ** random.random()) * 100
            - random.choice((0, 1, 5, 10, 50)),
            quantity=random.choice((1, 1, 1, 2, 3, 5, 10, 25)),
        )


def draw(random: Random, *, side: int = 640) -> Image.Image:
    """A still life of simple shapes on a table."""
    wall, table, *things = (tuple(random.randrange(60, 230) for _ in range(3)) for _ in range(7))
    picture = Image.new("RGB", (side, side), _rgb(wall))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, side * 2 // 3, side, side), fill=_rgb(table))
    for colour in things:
        width, height = random.randrange(side // 8, side // 3), random.randrange(side // 6, side // 2)
        left, bottom = random.randrange(0, side - width), random.randrange(side * 2 // 3, side)
        shape = random.choice((pen.rectangle, pen.ellipse))
        shape((left, bottom - height, left + width, bottom), fill=_rgb(colour), outline=(40, 40, 40), width=3)
    return picture


def _rgb(values: tuple[int, ...]) -> Colour:
    red, green, blue = values
    return red, green, blue
