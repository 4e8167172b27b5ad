"""Made-up usernames and listings of a demonstration shop; the same seed gives the same ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from listings.models import Category

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
    """A made-up listing, not yet stored."""

    title: str
    description: str
    category: Category
    price_cents: int
    quantity: int


def invent_names(count: int) -> Iterator[str]:
    """Yield `count` distinct usernames, the same ones each time."""
    for number in range(count):
        first, last = FIRST[number % len(FIRST)], LAST[number // len(FIRST) % len(LAST)]
        yield f"{first}.{last}.{number + 1}"


def invent_things(random: Random, count: int) -> Iterator[Thing]:
    """Yield `count` listings whose titles and prices fit their category."""
    categories = list(KINDS)
    for _ in range(count):
        category = random.choice(categories)
        kinds, (lowest, highest) = KINDS[category]
        yield Thing(
            title=f"{random.choice(ADJECTIVES)} {random.choice(kinds).lower()} {random.choice(ORIGINS)}",
            description=" ".join(random.sample(SENTENCES, 3)),
            category=category,
            # Log-uniform, so that most are cheap; the cents subtracted give endings such as .99 and .50.
            price_cents=int(lowest * (highest / lowest) ** random.random()) * 100
            - random.choice((0, 1, 5, 10, 50)),
            quantity=random.choice((1, 1, 1, 2, 3, 5, 10, 25)),
        )
