"""Checks of payouts: with the ledger, and with what the bank's statements say."""

from datetime import timedelta

from audit.check import Check
from audit.snapshot import Snapshot
from audit.snapshots import Snapshots

UNKNOWN_FOR = timedelta(hours=1)
PAYOUTS, LINES = "transactions_payout", "transactions_statementline"
# A payout's journals are known from its status. Each moves its amount once, between what is in transit and
# the account of the seller or the bank, or from the bank back to the seller.
UNPOSTED = f"""
    WITH expected AS (
        SELECT id, kind, currency, seller_id,
            CASE kind WHEN 'payout' THEN -amount_cents ELSE amount_cents END AS amount_cents
        FROM {PAYOUTS}
        CROSS JOIN LATERAL (
            VALUES ('payout'), (CASE WHEN status IN ('paid', 'failed', 'returned') THEN status END),
                (CASE WHEN status = 'returned' THEN 'paid' END)
        ) AS steps (kind)
        WHERE kind IS NOT NULL
    ), posted AS (
        SELECT subject_id, kind, currency,
            coalesce(sum(amount_cents) FILTER (
                WHERE account = CASE kind WHEN 'returned' THEN 'bank' ELSE 'in_transit' END
            ), 0) AS amount_cents,
            coalesce(sum(amount_cents) FILTER (
                WHERE account = CASE kind WHEN 'paid' THEN 'bank' ELSE 'payable' END
            ), 0) AS other_cents,
            min(owner_id) FILTER (WHERE account = 'payable') AS posted_seller
        FROM transactions_journal journal JOIN transactions_entry entry ON entry.journal_id = journal.id
        WHERE kind IN ('payout', 'paid', 'failed', 'returned') GROUP BY subject_id, kind, currency
    )
    SELECT coalesce(id, subject_id), coalesce(expected.kind, posted.kind), coalesce(expected.amount_cents, 0),
        seller_id, coalesce(posted.amount_cents, 0), posted_seller
    FROM expected FULL JOIN posted
        ON id = subject_id AND expected.kind = posted.kind AND expected.currency = posted.currency
    WHERE expected.amount_cents IS DISTINCT FROM posted.amount_cents
        OR posted.amount_cents <> -other_cents OR posted_seller <> seller_id
"""  # noqa: S608  # made of constants
TO_ANOTHER = f"""
    SELECT payout.id, payout.seller_id, account.seller_id FROM {PAYOUTS} payout
    LEFT JOIN transactions_bankaccount account ON account.id = bank_account_id
    WHERE payout.seller_id IS DISTINCT FROM account.seller_id
"""  # noqa: S608  # made of constants
# Statements reach to a day: what was sent three days before it is in them. Without one nothing is compared.
# A return that a person has recorded may be in none.
UNSTATED = f"""
    WITH booked AS (
        SELECT payout_id, min(currency) AS lowest, max(currency) AS highest,
            sum(amount_cents) AS amount_cents,
            count(*) FILTER (WHERE amount_cents >= 0) AS times,
            count(*) FILTER (WHERE amount_cents < 0) AS returns
        FROM {LINES} WHERE payout_id IS NOT NULL GROUP BY payout_id
    )
    SELECT payout.id, payout.status, payout.amount_cents, payout.currency, coalesce(times, 0),
        coalesce(booked.amount_cents, 0)
    FROM {PAYOUTS} payout LEFT JOIN booked ON payout_id = payout.id
    WHERE (times IS NOT NULL AND (
            payout.status NOT IN ('paid', 'returned') OR times <> 1
            OR returns > CASE payout.status WHEN 'returned' THEN 1 ELSE 0 END
            OR booked.amount_cents <> payout.amount_cents * (1 - returns)
            OR (lowest, highest) <> (payout.currency, payout.currency)
        )) OR (times IS NULL AND payout.status = 'paid'
            AND sent_at::date + 3 <= (SELECT max(booked_on) FROM {LINES}))
"""  # noqa: S608  # made of constants
UNKNOWN_LINES = f"SELECT reference, booked_on, amount_cents, currency FROM {LINES} WHERE payout_id IS NULL"  # noqa: S608
UNDECIDED = f"""
    SELECT id, amount_cents, currency, sent_at FROM {PAYOUTS} WHERE status = 'unknown' AND sent_at < %s
"""  # noqa: S608  # made of constants


def check_payouts(snapshots: Snapshots) -> list[Check]:
    """Run the checks of payouts."""
    checks = (check_posted, check_accounts, check_stated, check_lines, check_undecided)
    return [check(snapshots.transactions) for check in checks]


def check_posted(snapshot: Snapshot) -> Check:
    """Find payouts without the journals of their status, and journals without a payout."""
    check = Check(
        "payouts_posted", "each payout has one journal for each of its steps", snapshot.count(PAYOUTS)
    )
    return check.search(
        snapshot,
        UNPOSTED,
        subject="payout {}".format,
        problem="{}: {} of seller {} expected, {} of {} in the ledger",
    )


def check_accounts(snapshot: Snapshot) -> Check:
    """Find payouts to the bank account of another seller."""
    check = Check("payouts_accounts", "a payout goes to its seller's bank account", snapshot.count(PAYOUTS))
    return check.search(
        snapshot, TO_ANOTHER, subject="payout {}".format, problem="of seller {}, to the account of {}"
    )


def check_stated(snapshot: Snapshot) -> Check:
    """Find payouts that the bank's statements do not have as we do."""
    examined = snapshot.count(PAYOUTS, "status = 'paid'")
    return Check("payouts_stated", "what was paid is in the bank's statements, once", examined).search(
        snapshot,
        UNSTATED,
        subject="payout {}".format,
        problem="{} with {} {}; booked {} times, {} in all",
    )


def check_lines(snapshot: Snapshot) -> Check:
    """Find payments in the bank's statements that are no payout's."""
    return Check("statements", "each payment in a statement is a payout's", snapshot.count(LINES)).search(
        snapshot, UNKNOWN_LINES, subject="payment {}".format, problem="booked on {}, {} {}"
    )


def check_undecided(snapshot: Snapshot) -> Check:
    """Find payouts that have been unknown for an hour."""
    examined = snapshot.count(PAYOUTS, "status = 'unknown'")
    return Check("payouts_unknown", "no payout is unknown for more than an hour", examined).search(
        snapshot,
        UNDECIDED,
        snapshot.ago(UNKNOWN_FOR),
        subject="payout {}".format,
        problem="{} {}, sent at {}",
    )
