-- Reverse the sales of those of these transactions that are voided. A sale that was never posted has nothing to reverse.
CREATE OR REPLACE FUNCTION post_voids(ids uuid[]) RETURNS void LANGUAGE sql AS $$
    WITH sale AS (
        SELECT journal.id, journal.subject_id, voided_at FROM transactions_journal journal
        JOIN transactions_transaction voided ON voided.id = journal.subject_id
        WHERE journal.subject_id = ANY(ids) AND journal.kind = 'sale' AND voided.status = 'voided'
    ), posted AS (
        INSERT INTO transactions_journal (kind, subject_id, occurred_at)
        SELECT 'void', subject_id, voided_at FROM sale ORDER BY subject_id
        ON CONFLICT (subject_id, kind) DO NOTHING RETURNING id, subject_id
    )
    INSERT INTO transactions_entry (id, journal_id, account, owner_id, currency, amount_cents, available_at)
    SELECT posted.id * 8 + entry.id % 8, posted.id, account, owner_id, currency, -amount_cents, available_at
    FROM posted JOIN sale USING (subject_id)
    JOIN transactions_entry entry ON entry.id >= sale.id * 8 AND entry.id < sale.id * 8 + 8;
$$;
