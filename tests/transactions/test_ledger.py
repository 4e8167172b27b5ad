"""Sales and their voids in the ledger: balanced, once, and never changed afterwards."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import Error, IntegrityError, connection, transaction
from django.db.models import Sum
from uuid_utils.compat import uuid7

from tests.microstore.test_rights import APP, acting_as
from tests.support.fee_post import FeePost
from tests.support.messages import CURRENCIES, order_cancelled, order_created
from tests.support.threads import run_at_once
from transactions import tasks
from transactions.gauges import gauges
from transactions.ledger import posting
from transactions.ledger.models import Entry, Journal
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


def entries(kind: str = "sale") -> list[tuple[str, int, str, int]]:
    """Return account, owner, currency and amount of each entry."""
    found = Entry.objects.filter(journal__kind=kind).order_by("id")
    return list(found.values_list("account", "owner_id", "currency", "amount_cents"))


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def check_deferred() -> None:
    """Check now what is otherwise checked at the commit, which a test never reaches."""
    run("SET CONSTRAINTS ALL IMMEDIATE")


@contextmanager
def checked_at_once() -> Iterator[None]:
    """Check at the end of the block what otherwise waits for the commit."""
    yield
    check_deferred()


def add_journal(*amounts: tuple[str, int], journal: Journal | None = None) -> Journal:
    journal = journal or Journal.objects.create(
        kind="sale", subject_id=uuid7(), occurred_at="2026-01-01T00:00Z"
    )
    first = Entry.objects.filter(journal=journal).count() + 1
    Entry.objects.bulk_create(
        Entry(
            id=journal.pk * 8 + line,
            journal=journal,
            account="receivable",
            owner_id=5,
            currency=currency,
            amount_cents=amount,
        )
        for line, (currency, amount) in enumerate(amounts, first)
    )
    return journal


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_sale_is_posted_with_its_transaction(fee_post: FeePost, currency: str) -> None:
    order = order_created(unit_price_cents=5_000, currency=currency, buyer_id=5, seller_id=4)
    tasks.order_created([order])
    sold = Transaction.objects.get()
    assert sold.fee_cents
    assert sold.fee_cents > 0
    assert entries() == [
        ("receivable", 5, currency, 5_000 + sold.fee_cents),
        ("payable", 4, currency, -5_000),
        ("fee_income", 0, currency, -sold.fee_cents),
    ]
    journal = Journal.objects.get()
    assert (journal.kind, journal.subject_id, journal.occurred_at) == ("sale", sold.pk, sold.created_at)
    payable = Entry.objects.get(account="payable")
    assert payable.available_at == sold.created_at + timedelta(days=7)
    check_deferred()


def test_a_redelivered_order_is_posted_once(fee_post: FeePost) -> None:
    orders = [order_created(currency=currency) for currency in CURRENCIES]
    tasks.order_created(orders)
    tasks.order_created([*orders, order_created()])
    assert Journal.objects.count() == 4
    assert Entry.objects.count() == 12


def test_a_refused_order_moves_no_money(fee_post: FeePost) -> None:
    tasks.order_created([order_created(currency="XTS")])
    assert not Journal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_order_recorded_by_several_workers_at_once_is_posted_once(fee_post: FeePost) -> None:
    orders = [order_created(currency=currency) for currency in CURRENCIES]
    run_at_once(8, lambda number: tasks.order_created(orders[:: 1 if number % 2 else -1]))
    assert Journal.objects.count() == 3


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_void_reverses_the_sale(fee_post: FeePost, currency: str) -> None:
    order = order_created(unit_price_cents=5_000, currency=currency)
    tasks.order_created([order])
    sold = entries()
    for _ in range(2):
        tasks.order_cancelled([order_cancelled(order)])
    assert entries("void") == [(*account, -amount) for *account, amount in sold]
    assert list(Entry.objects.filter(account="payable").values_list("available_at").distinct()) == [
        (Entry.objects.filter(account="payable").earliest("id").available_at,)
    ]
    check_deferred()


def balances() -> dict[int, int]:
    owed = Entry.objects.filter(account="payable").values_list("owner_id").annotate(Sum("amount_cents"))
    return {seller: -amount for seller, amount in owed if amount}


@pytest.mark.parametrize(
    "amounts",
    [
        [("EUR", 100), ("EUR", -99)],
        [("EUR", 100), ("JPY", -100)],
        [("EUR", 100), ("EUR", -100), ("KWD", 1_000)],
        [],
    ],
)
def test_debits_and_credits_are_equal_in_each_currency(amounts: list[tuple[str, int]]) -> None:
    unbalanced = pytest.raises(IntegrityError, match="differ")
    with unbalanced, transaction.atomic(), checked_at_once():
        add_journal(*amounts)


def test_a_journal_of_several_currencies_balances_in_each() -> None:
    journal = add_journal(("EUR", 100), ("EUR", -100))
    add_journal(("JPY", 7), ("JPY", -7), journal=journal)  # in a later statement of the same transaction
    check_deferred()


def test_a_journal_may_balance_by_several_statements_and_is_checked_again_after_each() -> None:
    journal = add_journal(("EUR", 100))
    add_journal(("EUR", -100), journal=journal)
    check_deferred()
    with pytest.raises(IntegrityError, match="differ"), transaction.atomic():
        add_journal(("KWD", 1), journal=journal)


@pytest.mark.django_db(transaction=True)
def test_a_journal_is_closed_by_the_commit() -> None:
    with transaction.atomic():
        journal = add_journal(("EUR", 100), ("EUR", -100))
    with pytest.raises(IntegrityError, match="entries are added by"):
        add_journal(("EUR", 50), ("EUR", -50), journal=journal)
    with pytest.raises(IntegrityError, match="differ"):
        add_journal(("EUR", 100))


@pytest.mark.parametrize("table", ["transactions_journal", "transactions_entry"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_nobody_changes_the_ledger(fee_post: FeePost, table: str, statement: str) -> None:
    tasks.order_created([order_created(currency=currency) for currency in CURRENCIES])
    with pytest.raises(IntegrityError, match="rows are written once"), transaction.atomic():
        run(statement.format(table))
    with acting_as(APP), pytest.raises(Error, match="permission denied"), transaction.atomic():
        run(statement.format(table))


def test_the_application_s_role_posts(fee_post: FeePost) -> None:
    with acting_as(APP):
        order = order_created()
        tasks.order_created([order])
        tasks.order_cancelled([order_cancelled(order)])
        assert Journal.objects.count() == 2
        check_deferred()


def forget_ledger() -> None:
    """Leave the transactions as a release without a ledger has recorded them."""
    run("TRUNCATE transactions_journal, transactions_entry")


@pytest.mark.django_db(transaction=True)
def test_old_transactions_are_posted_in_steps_that_may_be_stopped(
    fee_post: FeePost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "CHUNK_ROWS", 2)
    orders = [order_created(currency=currency) for currency in CURRENCIES * 2]
    tasks.order_created(orders)
    tasks.order_cancelled([order_cancelled(orders[0])])
    was = set(Entry.objects.exclude(journal__subject_id__in=voided()).values_list("account", "amount_cents"))
    forget_ledger()
    assert next(posting.post_missing()) == 2
    assert Journal.objects.count() == 2
    call_command("post_ledger")
    call_command("post_ledger")
    assert Journal.objects.count() == 5
    assert set(Entry.objects.values_list("account", "amount_cents")) == was


def voided() -> list[UUID]:
    return list(Transaction.objects.filter(status="voided").values_list("id", flat=True))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("actions", list(permutations(["post", "post", "void"])))
def test_posting_old_sales_beside_cancellations_leaves_no_sale_of_a_voided_one(
    fee_post: FeePost, actions: Sequence[str]
) -> None:
    orders = [order_created() for _ in range(5)]
    tasks.order_created(orders)
    forget_ledger()

    def act(number: int) -> None:
        if actions[number] == "post":
            call_command("post_ledger")
        else:
            tasks.order_cancelled([order_cancelled(order) for order in orders])

    # Started together, each a thread: signals are set by the main one alone.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transactions.management.commands.post_ledger.set_on_signals", lambda stopping: None)
        run_at_once(3, act)
    assert not balances()
    assert Journal.objects.filter(kind="sale").count() == Journal.objects.filter(kind="void").count()


def of_the_ledger() -> list[float]:
    return [gauge.value for gauge in gauges() if gauge.name.startswith("microstore_ledger")]


def test_gauges_count_what_is_at_fault(fee_post: FeePost) -> None:
    tasks.order_created([order_created(), order_created(currency="JPY")])
    assert of_the_ledger() == [0, 0]
    with transaction.atomic():
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("ALTER TABLE transactions_entry DISABLE TRIGGER USER")
        run("UPDATE transactions_entry SET amount_cents = amount_cents + 1 WHERE account = 'payable'")
        assert of_the_ledger() == [2, 0]
        forget_ledger()
        assert of_the_ledger() == [0, 2]
        transaction.set_rollback(True)


def count_sequential_scans() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_scan) FROM pg_stat_xact_user_tables "
            "WHERE relname IN ('transactions_entry', 'transactions_journal')"
        )
        return int(cursor.fetchone()[0])


def test_the_checks_of_a_journal_read_no_table_whole_however_few_rows_it_has(fee_post: FeePost) -> None:
    run("TRUNCATE transactions_journal, transactions_entry")  # also forgets the plans of other tests
    before = count_sequential_scans()
    for _ in range(10):  # PL/pgSQL keeps a plan from the sixth call on
        tasks.order_created([order_created()])
        check_deferred()
        run("SET CONSTRAINTS ALL DEFERRED")
    assert count_sequential_scans() == before
