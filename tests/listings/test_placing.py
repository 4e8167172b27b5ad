"""Orders that are placed at the same moment are one transaction, and none of them minds the others."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg2
import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from listings.buying import place
from listings.buying.place import Outcome, Placed, Purchase, place_order, place_orders
from listings.buying.purchase import buy_listing
from listings.models import Listing, Order
from listings.refusals import AccountGone, OwnListing, SoldOut
from microstore.messaging.models import OutboxMessage
from microstore.telemetry.tracing import new_trace
from stack.waiting import wait_until
from tests.support.threads import run_at_once, wait_for_blocked

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY = 2**31 - 1
Sell = Callable[..., Listing]


@pytest.fixture
def elsewhere(db: None) -> Iterator["psycopg2.extensions.cursor"]:
    """Another session of the database."""
    session = psycopg2.connect(**{**connection.get_connection_params(), "cursor_factory": None})
    with session.cursor() as cursor:
        yield cursor
    session.close()


def wanting(listing: Listing, buyer: User | int, *, quantity: int = 1, key: str | None = None) -> Purchase:
    buyer_id = buyer if isinstance(buyer, int) else buyer.pk
    return Purchase(listing.pk, buyer_id, quantity, new_trace(), key)


def are_placed(outcomes: Sequence[Outcome]) -> list[bool]:
    """Whether each outcome is an order; those, and no others, must be stored with their messages."""
    orders = {outcome.id for outcome in outcomes if isinstance(outcome, Placed)}
    assert set(Order.objects.values_list("id", flat=True)) == orders
    assert {message.payload["order_id"] for message in OutboxMessage.objects.all()} == set(map(str, orders))
    return [isinstance(outcome, Placed) for outcome in outcomes]


def place_together(purchases: Sequence[Purchase]) -> Sequence[Outcome]:
    return place_orders(purchases, longest_wait="100ms")


def test_what_is_placed_together_is_committed_together(put_on_sale: Sell, bob: User) -> None:
    outcomes = place_together(
        [wanting(put_on_sale(f"Lamp {n}", quantity=5), bob, quantity=2) for n in range(4)]
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT xmin::text) FROM listings_order")
        assert cursor.fetchone() == (4, 1)
    assert are_placed(outcomes) == [True] * 4
    assert set(Listing.objects.values_list("available", flat=True)) == {3}


def test_placing_writes_to_no_index_of_the_listings(put_on_sale: Sell, bob: User) -> None:
    lamps = [put_on_sale(f"Lamp {n}") for n in range(100)]
    with transaction.atomic(), connection.cursor() as cursor:
        place_together([wanting(lamp, bob) for lamp in lamps])
        cursor.execute(
            "SELECT pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_hot_updated(oid) "
            "FROM pg_class WHERE oid = 'listings_listing'::regclass"
        )
        assert cursor.fetchone() == (100, 100)


ADD_ORDERS = """
INSERT INTO listings_order (id, buyer_id, listing_id, quantity, unit_price_cents, currency, status, reason,
    trace, request_hash, created_at, settled_at, transaction_id, fee_cents, total_cents)
SELECT gen_random_uuid(), %(buyer)s, %(listing)s, 1, 500, 'EUR', %(status)s, '', '', '', now(), %(settled)s,
    gen_random_uuid(), 0, 500
FROM generate_series(1, 2000)
"""
ROWS_READ = """
SELECT sum(pg_stat_get_xact_tuples_returned(oid)) FROM pg_class
WHERE 'listings_order'::regclass IN (oid, (SELECT indrelid FROM pg_index WHERE indexrelid = pg_class.oid))
"""


def test_the_open_orders_of_others_are_not_read(put_on_sale: Sell, alice: User, bob: User) -> None:
    """They are many in an outage, of which the planner has learned nothing yet: it knows of none."""
    lamp = put_on_sale("Lamp")
    order = {"buyer": alice.pk, "listing": lamp.pk}
    with connection.cursor() as cursor:
        cursor.execute(ADD_ORDERS, {**order, "status": "completed", "settled": timezone.now()})
        cursor.execute("VACUUM ANALYZE listings_order")
        cursor.execute(ADD_ORDERS, {**order, "status": "pending", "settled": None})
        with transaction.atomic():
            (outcome,) = place_together([wanting(lamp, bob)])
            cursor.execute(ROWS_READ)
            (rows_read,) = cursor.fetchone()
    assert isinstance(outcome, Placed)
    assert rows_read < 10


def test_each_gets_what_it_alone_would_get(put_on_sale: Sell, alice: User, bob: User) -> None:
    lamp, few, sold_out = (
        put_on_sale("Lamp", quantity=9),
        put_on_sale("Chair", quantity=3),
        put_on_sale("Last one", quantity=1),
    )
    earlier = wanting(sold_out, bob, key="earlier")
    assert place_order(earlier)
    placements = {
        "bought": wanting(lamp, bob, quantity=9),
        "nothing left": wanting(lamp, bob),
        "two of three": wanting(few, bob, quantity=2),
        "two of one": wanting(few, bob, quantity=2),
        "the last": wanting(few, bob),
        "one's own": wanting(sold_out, alice),
        "the key again": wanting(lamp, bob, key="earlier"),
    }
    outcomes = dict(zip(placements, place_together(list(placements.values())), strict=True))
    placed = {name for name, outcome in outcomes.items() if isinstance(outcome, Placed)}
    assert placed == {"bought", "two of three", "the last"}
    assert {name: type(outcome) for name, outcome in outcomes.items() if name not in placed} == {
        "nothing left": SoldOut,
        "two of one": SoldOut,
        "one's own": OwnListing,
        "the key again": SoldOut,
    }
    assert Order.objects.count() == OutboxMessage.objects.count() == 4


def test_one_key_twice_at_once_is_one_order(put_on_sale: Sell, bob: User) -> None:
    lamp = put_on_sale("Lamp", quantity=5)
    outcomes = place_together([wanting(lamp, bob, key="click"), wanting(lamp, bob, key="click")])
    assert are_placed(outcomes) == [True, False]
    assert Listing.objects.get().available == 4


def test_an_error_undoes_all_and_each_is_asked_for_alone(put_on_sale: Sell, bob: User) -> None:
    lamp = put_on_sale("Lamp", quantity=5)
    with pytest.raises(IntegrityError):
        place_together([wanting(lamp, bob), wanting(lamp, NOBODY), wanting(lamp, bob)])
    assert are_placed([]) == []
    assert Listing.objects.get().available == 5


def test_whose_account_is_gone_spoils_nobody_elses_purchase(
    put_on_sale: Sell, bob: User, held_up: Callable[[int], None]
) -> None:
    lamp = put_on_sale("Lamp", quantity=50)

    def buy(number: int) -> str:
        try:
            buy_listing(Purchase(lamp.pk, NOBODY if number == 5 else bob.pk, 1, new_trace()))
        except AccountGone:
            return "gone"
        return "bought"

    held_up(10)
    assert run_at_once(10, buy) == ["bought"] * 5 + ["gone"] + ["bought"] * 4
    assert Order.objects.count() == OutboxMessage.objects.count() == 9
    assert Listing.objects.get().available == 41


def test_a_locked_listing_is_not_waited_for_in_company(
    put_on_sale: Sell, bob: User, elsewhere: "psycopg2.extensions.cursor"
) -> None:
    locked, lamp = put_on_sale("Armchair", quantity=5), put_on_sale("Lamp", quantity=5)
    elsewhere.execute("SELECT FROM listings_listing WHERE id = %s FOR UPDATE", [locked.pk])
    with pytest.raises(OperationalError, match="lock timeout"):
        place_together([wanting(lamp, bob), wanting(locked, bob), wanting(lamp, bob)])
    assert are_placed([]) == []


def test_listings_are_taken_in_the_order_of_their_ids(
    put_on_sale: Sell, bob: User, elsewhere: "psycopg2.extensions.cursor"
) -> None:
    """So that two processes cannot hold what the other waits for."""
    first, second = put_on_sale("First", quantity=5), put_on_sale("Second", quantity=5)
    elsewhere.execute("SELECT FROM listings_listing WHERE id = %s FOR UPDATE", [first.pk])

    def act(number: int) -> list[bool]:
        if number == 0:
            return are_placed(place_orders([wanting(second, bob), wanting(first, bob)]))
        wait_for_blocked(1)
        elsewhere.execute("SELECT FROM listings_listing WHERE id = %s FOR UPDATE NOWAIT", [second.pk])
        elsewhere.connection.rollback()
        return []

    assert run_at_once(2, act) == [[True, True], []]


def test_a_locked_listing_holds_up_only_who_wants_it(
    put_on_sale: Sell, bob: User, elsewhere: "psycopg2.extensions.cursor", held_up: Callable[[int], None]
) -> None:
    locked, lamp = put_on_sale("Armchair", quantity=5), put_on_sale("Lamp", quantity=5)
    elsewhere.execute("SELECT FROM listings_listing WHERE id = %s FOR UPDATE", [locked.pk])

    def act(number: int) -> bool:
        if number == 0:
            wait_for_blocked(1)
            elsewhere.connection.rollback()
            return True
        return place_order(wanting(locked if number == 1 else lamp, bob)) is not None

    held_up(5)
    assert run_at_once(6, act) == [True] * 6
    assert (Listing.objects.get(pk=locked.pk).available, Listing.objects.get(pk=lamp.pk).available) == (4, 1)


def test_when_the_connection_is_lost_each_of_them_is_told(
    put_on_sale: Sell, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    lamp = put_on_sale("Lamp", quantity=5)
    execute = CursorWrapper.execute

    def hang_up(self: CursorWrapper, sql: str, params: Any = None) -> None:
        if sql == place.PLACE_ORDERS:
            sql, params = "SELECT pg_terminate_backend(pg_backend_pid())", None
        execute(self, sql, params)

    with monkeypatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", hang_up)
        with pytest.raises(OperationalError):
            place_together([wanting(lamp, bob), wanting(lamp, bob)])
    connection.close()
    assert are_placed(place_together([wanting(lamp, bob), wanting(lamp, bob)])) == [True, True]


def test_many_who_want_few_things_get_all_there_are(put_on_sale: Sell, bob: User) -> None:
    things = [put_on_sale(f"Lamp {n}", quantity=7) for n in range(5)]

    def buy(number: int) -> list[bool]:
        return [_is_bought(thing, bob) for thing in things[number % 5 :] + things[: number % 5]]

    bought = run_at_once(20, buy)
    assert sum(map(sum, bought)) == 35
    assert set(Listing.objects.values_list("available", flat=True)) == {0}
    assert Order.objects.count() == OutboxMessage.objects.count() == 35


def _is_bought(listing: Listing, buyer: User) -> bool:
    try:
        buy_listing(Purchase(listing.pk, buyer.pk, 1, new_trace()))
    except SoldOut:
        return False
    return True


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have the first of so many wait until the others are there: they are placed together then."""

    def hold(count: int) -> None:
        group = place._place_together
        ask = group._submit

        def wait_for_the_others(purchases: Sequence[Purchase]) -> Any:
            monkeypatch.setattr(group, "_submit", ask)
            assert wait_until(lambda: len(group._waiting) == count - 1, timeout_seconds=20)
            return ask(purchases)

        monkeypatch.setattr(group, "_submit", wait_for_the_others)

    return hold
