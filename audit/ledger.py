"""Checks of the ledger, which lies in the transactions database with what it is compared with."""

from audit.check import Check
from audit.snapshot import Snapshot
from audit.snapshots import Snapshots

ENTRIES, JOURNALS = "transactions_entry", "transactions_journal"
UNBALANCED = f"""
    SELECT currency, sum(amount_cents) FROM {ENTRIES} GROUP BY currency HAVING sum(amount_cents) <> 0
"""  # noqa: S608  # made of constants
UNBALANCED_JOURNALS = f"""
    SELECT journal_id, currency, sum(amount_cents) FROM {ENTRIES}
    GROUP BY journal_id, currency HAVING sum(amount_cents) <> 0
"""  # noqa: S608  # made of constants
# What a void has reversed sums up to nothing, as does a transaction that is not recorded.
DIFFERENT = f"""
    WITH posted AS (
        SELECT subject_id, currency,
            coalesce(sum(amount_cents) FILTER (WHERE account = 'receivable'), 0) AS total_cents,
            -coalesce(sum(amount_cents) FILTER (WHERE account = 'payable'), 0) AS price_cents
        FROM {JOURNALS} journal JOIN {ENTRIES} entry ON entry.journal_id = journal.id
        WHERE kind IN ('sale', 'void') GROUP BY subject_id, currency
    ), recorded AS (
        SELECT id, currency, total_cents, price_cents - commission_cents AS price_cents
        FROM transactions_transaction
        WHERE status = 'recorded' AND total_cents > 0
    )
    SELECT coalesce(id, subject_id), coalesce(recorded.total_cents, 0), coalesce(recorded.price_cents, 0),
        coalesce(posted.total_cents, 0), coalesce(posted.price_cents, 0)
    FROM recorded FULL JOIN posted ON id = subject_id AND recorded.currency = posted.currency
    WHERE (coalesce(recorded.total_cents, 0), coalesce(recorded.price_cents, 0))
        <> (coalesce(posted.total_cents, 0), coalesce(posted.price_cents, 0))
"""  # noqa: S608  # made of constants


def check_ledger(snapshots: Snapshots) -> list[Check]:
    """Run the checks of the ledger."""
    return [check(snapshots.transactions) for check in (check_trial_balance, check_journals, check_sales)]


def check_trial_balance(snapshot: Snapshot) -> Check:
    """Find currencies in which all debits and credits differ."""
    check = Check("trial_balance", "debits equal credits in each currency", snapshot.count(ENTRIES))
    return check.search(
        snapshot, UNBALANCED, subject="currency {}".format, problem="debits and credits differ by {}"
    )


def check_journals(snapshot: Snapshot) -> Check:
    """Find journals in which debits and credits of a currency differ."""
    check = Check("journals", "debits equal credits in each journal", snapshot.count(JOURNALS))
    return check.search(
        snapshot,
        UNBALANCED_JOURNALS,
        subject="journal {}".format,
        problem="debits and credits in {} differ by {}",
    )


def check_sales(snapshot: Snapshot) -> Check:
    """Find transactions whose entries in the ledger, a void's included, are not their amounts."""
    examined = snapshot.count("transactions_transaction")
    check = Check("ledger", "the ledger has what is recorded, once, and nothing of what is not", examined)
    return check.search(
        snapshot,
        DIFFERENT,
        subject="transaction {}".format,
        problem="total {} and income {} recorded, {} and {} in the ledger",
    )
