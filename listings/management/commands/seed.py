"""The command `manage.py seed`: demonstration users and listings, or a shop of any size."""

from argparse import ArgumentParser
from collections.abc import Callable
from itertools import cycle, islice
from random import Random
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import connection, transaction

from listings.catalogue.images import encode
from listings.management.seeding.catalogue import Thing, invent_names, invent_things
from listings.management.seeding.pictures import draw
from listings.management.seeding.subjects import SUBJECTS, subject_of
from listings.models import Category, Listing, ListingImage, Profile
from microstore.staff.demonstration import PASSWORD, SeedCommand

THINGS = (
    (
        "Crunchy armchair",
        Category.FURNITURE,
        24_900,
        3,
        "It sounds like autumn leaves. Nobody sits down unheard.",
    ),
    (
        "Reading lamp that sees you",
        Category.FURNITURE,
        5_900,
        10,
        "Goes on when you open a book, off when you doze.",
    ),
    (
        "Half a chess set",
        Category.TOYS,
        1_200,
        1,
        "All the white pieces. The black ones left after an argument.",
    ),
    ("Letters from a lighthouse", Category.BOOKS, 1_800, 25, "Forty years of weather, and one of love."),
    ("Radio with one station", Category.ELECTRONICS, 7_400, 5, "It plays what you needed yesterday."),
    ("Coat for all weathers but one", Category.CLOTHING, 13_500, 4, "Which one, we have not found out yet."),
    (
        "Portrait of somebody's aunt",
        Category.ART,
        48_000,
        1,
        "Oil on canvas. She follows you round the room.",
    ),
)
PICTURES_OF_ONE = 3  # of each subject; listings share them: 100,000 files would show no more
SIDE_SMALL = 320
BATCH = 2_000


class Command(SeedCommand):
    """Make alice (seller), bob (buyer) and admin (staff) once, and more users and listings on request."""

    help = "Make demonstration users and listings. What is there already, by the users' names, is left alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--listings", type=int, default=0, help="how many more listings, sold by --users")
        parser.add_argument("--users", type=int, default=10, help="how many users sell them (default 10)")
        parser.add_argument("--seed", type=int, default=1, help="the same makes the same shop (default 1)")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(make_first_look())
        if options["listings"]:
            name = f"seed{options['seed']}"
            count = make_shop(
                name,
                numbers(name),
                listings=options["listings"],
                users=max(options["users"], 1),
                say=self.stderr.write,
            )
            self.stdout.write(f"Made {count} listings (shop {name}; password {PASSWORD!r}).")
            with connection.cursor() as cursor:
                # Without statistics the planner would scan the new table.
                cursor.execute("ANALYZE listings_listing")


def numbers(name: str) -> Random:
    """Return a generator that yields the same numbers for the same name."""
    return Random(name)  # noqa: S311  # nothing here is a secret


def make_first_look() -> str:
    """Make three users and a few listings; return a sentence for the operator."""
    users = get_user_model().objects
    if users.filter(username="alice").exists():
        return "Seeded before."
    alice = users.create_user("alice", "alice@example.com", PASSWORD)
    bob = users.create_user("bob", "bob@example.com", PASSWORD)
    admin = users.create_superuser("admin", "admin@example.com", PASSWORD)
    verify_addresses([alice, bob, admin])
    random = numbers("first look")
    things = (
        Thing(title, text, category, cents, quantity) for title, category, cents, quantity, text in THINGS
    )
    listings = Listing.objects.bulk_create([as_listing(thing, alice) for thing in things])
    for number, listing in enumerate(listings):
        subject = subject_of(listing.title, listing.category)
        add_pictures([listing], {subject: [store_picture(f"seed/first-look/{number}", random, subject)]})
    return f"Made alice, bob and admin (password {PASSWORD!r}) and {len(THINGS)} listings."


def make_shop(
    name: str, random: Random, *, listings: int, users: int, say: Callable[[str], object] = str
) -> int:
    """Make the shop of this name and return the number of new listings: 0 if its users exist already.

    `say` is called with a line of progress for each step.
    """
    if User.objects.filter(username__startswith=f"{name}.").exists():
        return 0
    # Hashed once for all users: hashing is slow on purpose.
    password = make_password(PASSWORD)
    accounts = (
        User(username=f"{name}.{who}", email=f"{who}@example.com", password=password)
        for who in invent_names(users)
    )
    sellers = User.objects.bulk_create(accounts, BATCH)
    verify_addresses(sellers)
    say(f"{users} users are made; drawing their pictures ...")
    pictures = {subject: draw_pictures(name, random, subject) for subject in SUBJECTS}
    things = invent_things(random, listings)
    made = 0
    while batch := [as_listing(thing, random.choice(sellers)) for thing in islice(things, BATCH)]:
        add_pictures(Listing.objects.bulk_create(batch), pictures)
        if not made:
            # The trigger of pictures keeps its plan, made for empty tables: 100,000 took half an hour.
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE listings_listing, listings_listingimage")
        made += len(batch)
        say(f"{made} of {listings} listings are made")
    return listings


def verify_addresses(users: list[User]) -> None:
    """Have the users' addresses verified, as if each had opened the link."""
    Profile.objects.bulk_create((Profile(user=user, verified_email=user.email) for user in users), BATCH)


def as_listing(thing: Thing, seller: User) -> Listing:
    return Listing(
        seller=seller,
        title=thing.title,
        description=thing.description,
        category=thing.category,
        price_cents=thing.price_cents,
        currency="EUR",
        quantity=thing.quantity,
        available=thing.quantity,
    )


def draw_pictures(name: str, random: Random, subject: str) -> list[ListingImage]:
    """Store pictures of the subject; the rows returned belong to no listing yet."""
    names = [f"seed/{name}/{subject}-{number}" for number in range(PICTURES_OF_ONE)]
    return [store_picture(each, random, subject) for each in names]


def store_picture(name: str, random: Random, subject: str) -> ListingImage:
    """Store one picture and its thumbnail."""
    picture = draw(random, subject)
    large = default_storage.save(f"{name}.jpg", encode(picture))
    small = default_storage.save(f"{name}-small.jpg", encode(picture.resize((SIDE_SMALL, SIDE_SMALL))))
    return ListingImage(large=large, small=small, width=picture.width, height=picture.height)


def add_pictures(listings: list[Listing], pictures: dict[str, list[ListingImage]]) -> None:
    """Give each listing one of the pictures of its subject, in turn."""
    turns = {subject: cycle(choice) for subject, choice in pictures.items()}
    given = [(listing, next(turns[subject_of(listing.title, listing.category)])) for listing in listings]
    ListingImage.objects.bulk_create(
        ListingImage(listing=listing, large=of.large, small=of.small, width=of.width, height=of.height)
        for listing, of in given
    )
