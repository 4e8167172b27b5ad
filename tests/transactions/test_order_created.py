"""An order becomes a transaction, once, with the fee that the fee function set."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries
from uuid_utils.compat import uuid7

from fees.configuration import load_schedule
from microstore.contracts.contract import Message, to_wire
from microstore.contracts.listings import ItemSold, OrderRejected
from microstore.contracts.transactions import ORDER_CREATED
from tests.support.broker import Mailbox, facts
from tests.support.fee_post import FeePost
from tests.support.messages import order_created
from tests.support.threads import run_at_once, wait_for_blocked
from transactions import tasks
from transactions.models import Transaction
from transactions.recording import ScheduleUnknown, SomeSchedulesUnknown

pytestmark = pytest.mark.django_db

QUERIES_OF_A_BATCH = 3  # what is known, the tiers of its sellers, and the insert of the rest
QUERIES_OF_A_REPEATED_BATCH = 2  # which are decided, and how
OLD_COLUMNS = (
    "listing_id, buyer_id, seller_id, quantity, price_cents, currency, status, fee_cents, total_cents,"
    " fee_rule, fee_breakdown, reason, trace, created_at"
)


def without_time(messages: list[Message]) -> list[dict[str, object]]:
    return [message.model_dump(exclude={"occurred_at"}) for message in messages]


def test_an_order_is_recorded_with_its_fee(fee_post: FeePost) -> None:
    order = order_created(quantity=3, buyer_id=5, seller_id=4)
    tasks.order_created([order])
    recorded = Transaction.objects.get()
    assert (recorded.order_id, recorded.listing_id, recorded.status) == (order.order_id, 7, "recorded")
    assert (recorded.buyer_id, recorded.seller_id, recorded.quantity) == (5, 4, 3)
    assert (recorded.price_cents, recorded.currency, recorded.trace) == (74_700, "EUR", order.trace)
    assert recorded.fee_cents is not None
    assert recorded.total_cents == 74_700 + recorded.fee_cents
    assert recorded.fee_rule.endswith("EUR") or "/EUR/" in recorded.fee_rule
    assert recorded.fee_breakdown["amount_cents"] == 74_700
    assert recorded.reason == ""


def test_what_was_sold_is_kept_as_the_buyer_saw_it(fee_post: FeePost) -> None:
    tasks.order_created([order_created()])
    sold = Transaction.objects.values_list("title", "description", "category", "picture").get()
    assert sold == ("Crunchy armchair", "It creaks.", "furniture", "/media/armchair.webp")


def test_an_order_of_a_sender_that_knows_no_title_is_recorded_without(fee_post: FeePost) -> None:
    old = to_wire(order_created())
    for field in ("title", "description", "picture", "category"):
        del old[field]
    tasks.order_created([ORDER_CREATED.parse(old)])
    assert Transaction.objects.values_list("title", "status").get() == ("", "recorded")


def test_a_worker_of_the_release_before_can_still_record(fee_post: FeePost) -> None:
    """Its INSERT names none of the new columns."""
    tasks.order_created([order_created()])
    row = Transaction.objects.get()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO transactions_transaction (id, order_id, {OLD_COLUMNS})"
            f" SELECT gen_random_uuid(), gen_random_uuid(), {OLD_COLUMNS} FROM transactions_transaction"
        )
    assert Transaction.objects.exclude(pk=row.pk).values_list("title", "picture").get() == ("", "")


def test_the_reply_tells_what_is_recorded(fee_post: FeePost) -> None:
    order = order_created()
    (reply,) = tasks.order_created([order])
    recorded = Transaction.objects.get()
    assert isinstance(reply, ItemSold)
    assert reply.model_dump(exclude={"event_id", "occurred_at"}) == {
        "order_id": order.order_id,
        "listing_id": 7,
        "transaction_id": recorded.pk,
        "fee_cents": recorded.fee_cents,
        "total_cents": recorded.total_cents,
        "fee_rule": recorded.fee_rule,
        "trace": order.trace,
    }


def test_a_batch_is_one_question_and_three_statements(
    fee_post: FeePost, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    orders = [order_created() for _ in range(50)]
    with django_assert_num_queries(QUERIES_OF_A_BATCH):
        replies = tasks.order_created(orders)
    assert len(replies) == Transaction.objects.count() == 50
    assert len(fee_post.questions) == 1
    with django_assert_num_queries(QUERIES_OF_A_REPEATED_BATCH):
        tasks.order_created(orders)


def test_the_fee_function_is_told_no_more_than_it_needs(fee_post: FeePost) -> None:
    order = order_created(quantity=2)
    tasks.order_created([order])
    assert fee_post.questions == [
        {
            "orders": [
                {
                    "order_id": str(order.order_id),
                    "price_cents": 24_900,
                    "currency": "EUR",
                    "quantity": 2,
                    "category": "furniture",
                }
            ]
        }
    ]


def test_an_order_is_charged_by_the_schedule_by_which_its_buyer_was_quoted(fee_post: FeePost) -> None:
    version = load_schedule({}).version
    quoted = order_created().model_copy(update={"fee_version": version})
    other = order_created(order_id=uuid4()).model_copy(update={"fee_version": "1999-01"})
    tasks.order_created([quoted, other])
    assert [order["version"] for order in fee_post.questions[0]["orders"]] == [version, "1999-01"]
    assert Transaction.objects.get(order_id=quoted.order_id).fee_rule.startswith(f"{version}/")
    refused = Transaction.objects.get(order_id=other.order_id)
    assert (refused.status, refused.fee_cents) == ("refused", None)
    assert "the fee has changed since it was quoted" in refused.reason


def test_an_order_of_a_schedule_that_is_being_rolled_out_waits_for_it_and_holds_up_no_other(
    fee_post: FeePost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer is that of a fee function which is replaced next."""
    old = order_created()
    new = order_created().model_copy(update={"fee_version": "2099-01"})
    with pytest.raises(SomeSchedulesUnknown):
        tasks.order_created([old, new])
    assert Transaction.objects.values_list("order_id", "status").get() == (old.order_id, "recorded")
    with pytest.raises(ScheduleUnknown):
        tasks.order_created([new])
    monkeypatch.setattr("fees.handler.SCHEDULE", replace(load_schedule({}), version="2099-01"))
    tasks.order_created([new])
    assert Transaction.objects.get(order_id=new.order_id).status == "recorded"


def test_an_order_of_a_schedule_that_nobody_knows_waits_for_a_minute_and_not_for_ever(
    fee_post: FeePost,
) -> None:
    ten_minutes_ago = UUID(int=uuid7().int - (600_000 << 80))
    order = order_created(order_id=ten_minutes_ago)
    tasks.order_created([order.model_copy(update={"fee_version": "1999-01"})])
    assert Transaction.objects.values_list("status").get() == ("refused",)


def test_an_order_delivered_twice_is_recorded_once_and_answered_the_same(fee_post: FeePost) -> None:
    orders = [order_created() for _ in range(3)]
    first = list(tasks.order_created(orders))
    rows = list(Transaction.objects.order_by("pk").values())
    again = list(tasks.order_created(orders))
    assert without_time(again) == without_time(first)
    assert list(Transaction.objects.order_by("pk").values()) == rows
    assert len(fee_post.questions) == 1


def test_an_order_twice_in_one_batch_is_recorded_and_answered_once(fee_post: FeePost) -> None:
    order = order_created()
    replies = tasks.order_created([order, order_created(), order])
    assert len(replies) == Transaction.objects.count() == 2
    assert len(fee_post.asked[0]) == 2


def test_only_new_orders_are_asked_about(fee_post: FeePost) -> None:
    old, new = order_created(), order_created()
    (reply_for_old,) = tasks.order_created([old])
    replies = list(tasks.order_created([new, old]))
    assert fee_post.asked == [[str(old.order_id)], [str(new.order_id)]]
    assert without_time([reply_for_old])[0] in without_time(replies)
    assert len(replies) == 2


def test_a_fee_once_charged_stays(fee_post: FeePost) -> None:
    order = order_created()
    first = list(tasks.order_created([order]))
    fee_post.answer_with(500, b"")
    assert without_time(list(tasks.order_created([order]))) == without_time(first)


def test_a_batch_of_nothing_asks_nobody(fee_post: FeePost) -> None:
    assert tasks.order_created([]) == []
    assert fee_post.questions == []


def test_a_refused_order_is_told_and_the_good_ones_are_recorded(
    fee_post: FeePost, listings_queue: Mailbox
) -> None:
    good, bad, other = order_created(), order_created(currency="XTS"), order_created()
    replies = tasks.order_created([good, bad, other])
    assert {reply.order_id for reply in replies if isinstance(reply, ItemSold)} == {
        good.order_id,
        other.order_id,
    }
    refused = Transaction.objects.get(order_id=bad.order_id)
    assert (refused.status, refused.fee_cents, refused.total_cents) == ("refused", None, None)
    assert "XTS" in refused.reason
    ((task, events),) = listings_queue.take()
    told = OrderRejected.model_validate(events[0])
    assert (task, len(events)) == ("listings.order_rejected", 1)
    assert (told.order_id, told.listing_id, told.reason) == (bad.order_id, 7, refused.reason)
    assert told.trace == bad.trace


def test_a_refusal_is_a_fact_too(fee_post: FeePost, listings_queue: Mailbox) -> None:
    with facts("order.rejected") as mailbox:
        tasks.order_created([order_created(currency="XTS")])
        ((task, events),) = mailbox.take()
    assert (task, len(events)) == ("order_rejected", 1)


def test_a_refused_order_delivered_twice_is_told_twice_the_same(
    fee_post: FeePost, listings_queue: Mailbox
) -> None:
    order = order_created(currency="XTS")
    for _ in range(2):
        assert tasks.order_created([order]) == []
    told = [OrderRejected.model_validate(events[0]) for _, events in listings_queue.take()]
    assert len(told) == 2
    assert len(set(map(str, without_time(list(told))))) == 1
    assert Transaction.objects.count() == len(fee_post.questions) == 1


def test_where_all_is_well_nobody_is_told_of_refusals(fee_post: FeePost, listings_queue: Mailbox) -> None:
    tasks.order_created([order_created()])
    assert listings_queue.take() == []


@pytest.mark.parametrize("currency", ["EUR", "JPY", "USD", "KWD"])
def test_every_currency_of_the_schedule_is_recorded(fee_post: FeePost, currency: str) -> None:
    tasks.order_created([order_created(currency=currency)])
    assert Transaction.objects.get().status == "recorded"


def test_the_greatest_order_that_can_be_bought_is_recorded(fee_post: FeePost) -> None:
    tasks.order_created([order_created(unit_price_cents=1_000_000_000, quantity=1_000_000)])
    assert Transaction.objects.get().price_cents == 10**15


def test_an_endless_reason_is_cut(fee_post: FeePost, listings_queue: Mailbox) -> None:
    order = order_created()
    fee_post.answer_with(200, {"fees": [{"order_id": str(order.order_id), "error": "no " * 1000}]})
    tasks.order_created([order])
    assert len(Transaction.objects.get().reason) == 500
    assert len(listings_queue.take()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_batch_delivered_to_many_workers_at_once_is_recorded_once(fee_post: FeePost) -> None:
    orders = [order_created() for _ in range(20)]
    answers = run_at_once(
        6, lambda number: tasks.order_created(orders if number % 2 else list(reversed(orders)))
    )
    assert Transaction.objects.count() == 20
    told = {frozenset(map(str, without_time(list(answer)))) for answer in answers}
    assert len(told) == 1


@pytest.mark.django_db(transaction=True)
def test_workers_with_the_same_orders_in_another_order_do_not_wait_for_each_other(fee_post: FeePost) -> None:
    """Both are held up at the third of five orders, each with all that it got before."""
    orders = [order_created() for _ in range(5)]
    third = {"order_id": orders[2].order_id, "listing_id": 7, "buyer_id": 2, "seller_id": 1, "quantity": 1}

    def work(number: int) -> int:
        return len(tasks.order_created(orders if number else orders[::-1]))

    with ThreadPoolExecutor(1) as workers:
        with transaction.atomic():
            Transaction.objects.create(**third, price_cents=1, status=Transaction.Status.REFUSED)
            answers = workers.submit(run_at_once, 2, work)
            wait_for_blocked(2)
            transaction.set_rollback(True)
        assert answers.result() == [5, 5]
    assert Transaction.objects.filter(status="recorded").count() == 5


def test_the_database_holds_one_transaction_an_order(fee_post: FeePost) -> None:
    tasks.order_created([order_created()])
    recorded = Transaction.objects.get()
    recorded.pk = None
    with pytest.raises(IntegrityError, match="order_id"):
        recorded.save(force_insert=True)
