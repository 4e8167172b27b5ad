-- Post those of these refunds that are refunded; each reverses its share of the sale. What the seller gives back was, or
-- would have been, available with the sale's income: a refund during the hold is of income that is pending.
CREATE OR REPLACE FUNCTION post_refunds(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH refund AS (
        SELECT refund.id, buyer_id, seller_id, refund.currency, refund.amount_cents, refund.fee_cents,
            refund.commission_cents, refund.created_at, coalesce(sale.available_at, refund.created_at) AS available_at
        FROM transactions_refund refund
        JOIN transactions_transaction sold ON sold.id = refund.transaction_id
        JOIN transactions_journal journal ON journal.subject_id = sold.id AND journal.kind = 'sale'
        LEFT JOIN transactions_entry sale ON sale.id = journal.id * 8 + 2
        WHERE refund.id = ANY(ids) AND refund.status = 'refunded'
    ), posted AS (
        INSERT INTO transactions_journal (kind, subject_id, occurred_at)
        SELECT 'refund', id, created_at FROM refund ORDER BY id
        ON CONFLICT (subject_id, kind) DO NOTHING RETURNING id, subject_id
    )
    INSERT INTO transactions_entry (id, journal_id, account, owner_id, currency, amount_cents, available_at)
    SELECT posted.id * 8 + line, posted.id, account, owner_id, refund.currency, lines.amount_cents, lines.available_at
    FROM posted JOIN refund ON refund.id = posted.subject_id CROSS JOIN LATERAL (VALUES
        (1, 'receivable', buyer_id, -refund.amount_cents, NULL),
        (2, 'payable', seller_id, refund.amount_cents - refund.fee_cents - refund.commission_cents, refund.available_at),
        (3, 'fee_income', 0, refund.fee_cents, NULL),
        (4, 'commission', 0, refund.commission_cents, NULL)
    ) AS lines (line, account, owner_id, amount_cents, available_at)
    WHERE lines.amount_cents <> 0;
END $$;
