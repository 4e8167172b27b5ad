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
# What a void has reversed sums up to nothing, as does a transaction that is not recorded. A sum that is right
# may be in anybody's account: the lowest and the highest owner have to be the one that is recorded.
DIFFERENT = f"""
    WITH posted AS (
        SELECT subject_id, currency, bool_or(kind = 'sale') AS is_sold, bool_or(kind = 'void') AS is_void,
            coalesce(sum(amount_cents) FILTER (WHERE account = 'receivable'), 0) AS total_cents,
            -coalesce(sum(amount_cents) FILTER (WHERE account = 'payable'), 0) AS income_cents,
            -coalesce(sum(amount_cents) FILTER (WHERE account = 'fee_income'), 0) AS fee_cents,
            -coalesce(sum(amount_cents) FILTER (WHERE account = 'commission'), 0) AS commission_cents,
            min(owner_id) FILTER (WHERE account = 'receivable') AS lowest_buyer,
            max(owner_id) FILTER (WHERE account = 'receivable') AS highest_buyer,
            min(owner_id) FILTER (WHERE account = 'payable') AS lowest_seller,
            max(owner_id) FILTER (WHERE account = 'payable') AS highest_seller
        FROM {JOURNALS} journal JOIN {ENTRIES} entry ON entry.journal_id = journal.id
        WHERE kind IN ('sale', 'void') GROUP BY subject_id, currency
    ), decided AS (
        SELECT id, currency, buyer_id, seller_id, status = 'recorded' AS is_recorded, total_cents, fee_cents,
            price_cents - commission_cents AS income_cents, commission_cents
        FROM transactions_transaction WHERE total_cents > 0
    )
    SELECT coalesce(id, subject_id),
        CASE WHEN is_recorded THEN concat('total ', decided.total_cents, ' of buyer ', buyer_id, ', income ',
            decided.income_cents, ' of seller ', seller_id, ', fee ', decided.fee_cents, ' and commission ',
            decided.commission_cents) ELSE 'nothing' END,
        CASE WHEN subject_id IS NOT NULL THEN concat('total ', posted.total_cents, ' of buyer ',
            concat_ws(' and ', lowest_buyer, nullif(highest_buyer, lowest_buyer)), ', income ',
            posted.income_cents, ' of seller ',
            concat_ws(' and ', lowest_seller, nullif(highest_seller, lowest_seller)), ', fee ',
            posted.fee_cents, ' and commission ', posted.commission_cents,
            CASE WHEN is_void THEN ', voided' END) ELSE 'nothing' END
    FROM decided FULL JOIN posted ON id = subject_id AND decided.currency = posted.currency
    WHERE NOT is_sold OR is_void = is_recorded
        OR (lowest_buyer, highest_buyer) <> (buyer_id, buyer_id)
        OR (lowest_seller, highest_seller) <> (seller_id, seller_id)
        OR CASE WHEN is_recorded
            THEN (decided.total_cents, decided.income_cents, decided.fee_cents, decided.commission_cents)
                IS DISTINCT FROM
                (posted.total_cents, posted.income_cents, posted.fee_cents, posted.commission_cents)
            ELSE (posted.total_cents, posted.income_cents, posted.fee_cents, posted.commission_cents)
                <> (0, 0, 0, 0) END
"""  # noqa: S608  # made of constants
STRAY = f"""
    SELECT id, account, owner_id FROM {ENTRIES}
    WHERE (owner_id = 0) <> (account NOT IN ('receivable', 'payable'))
"""  # noqa: S608  # made of constants


def check_ledger(snapshots: Snapshots) -> list[Check]:
    """Run the checks of the ledger."""
    return [check(snapshots.transactions) for check in CHECKS]


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
    """Find transactions whose entries in the ledger, a void's included, have other owners or amounts."""
    examined = snapshot.count("transactions_transaction")
    check = Check("ledger", "the ledger has what is recorded, once, and nothing of what is not", examined)
    return check.search(
        snapshot,
        DIFFERENT,
        subject="transaction {}".format,
        problem="{} recorded, {} in the ledger",
    )


def check_owners(snapshot: Snapshot) -> Check:
    """Find entries in the marketplace's accounts that somebody owns, and in others that nobody owns."""
    check = Check(
        "accounts", "fees, the bank and what is in transit are the marketplace's", snapshot.count(ENTRIES)
    )
    return check.search(snapshot, STRAY, subject="entry {}".format, problem="in the account {} of {}")


CHECKS = (check_trial_balance, check_journals, check_sales, check_owners)
