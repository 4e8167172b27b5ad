-- Post the sales of those of these transactions that are recorded; return how many were not posted before. The seller's
-- income is available once it was held for so many days.
CREATE OR REPLACE FUNCTION post_sales(ids uuid[], hold_days integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    new_journals bigint;
BEGIN
    WITH sale AS (
        SELECT id, buyer_id, seller_id, currency, price_cents, fee_cents, total_cents, commission_cents, created_at
        FROM transactions_transaction WHERE id = ANY(ids) AND status = 'recorded' AND total_cents > 0
    ), posted AS (
        -- In the order of their ids, so that two callers with the same sales cannot wait for each other.
        INSERT INTO transactions_journal (kind, subject_id, occurred_at)
        SELECT 'sale', id, created_at FROM sale ORDER BY id
        ON CONFLICT (subject_id, kind) DO NOTHING RETURNING id, subject_id
    ), entries AS (
        INSERT INTO transactions_entry (id, journal_id, account, owner_id, currency, amount_cents, available_at)
        SELECT posted.id * 8 + line, posted.id, account, owner_id, currency, amount_cents, available_at
        FROM posted JOIN sale ON sale.id = posted.subject_id CROSS JOIN LATERAL (VALUES
            (1, 'receivable', buyer_id, total_cents, NULL),
            (2, 'payable', seller_id, commission_cents - price_cents, created_at + make_interval(days => hold_days)),
            (3, 'fee_income', 0, -fee_cents, NULL),
            (4, 'commission', 0, -commission_cents, NULL)
        ) AS lines (line, account, owner_id, amount_cents, available_at)
        WHERE amount_cents <> 0
    )
    SELECT count(*) INTO new_journals FROM posted;
    RETURN new_journals;
END $$;
