-- Post what these payouts have come to: each moves its amount out of the seller's account when it is prepared, which is
-- how it claims it, and from there to the bank when it is paid, or back when it has failed; what the bank returns goes from
-- there back to the seller. Posted again, nothing changes.
-- In PL/pgSQL, since the first migration that loads it makes a table without `returned_at`.
CREATE OR REPLACE FUNCTION post_payouts(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH event AS (
        SELECT id, seller_id, currency, amount_cents, available_at, event.kind, event.occurred_at
        FROM transactions_payout CROSS JOIN LATERAL (VALUES
            ('payout', created_at),
            (CASE WHEN status IN ('paid', 'failed') THEN status WHEN status = 'returned' THEN 'paid' END, settled_at),
            (CASE WHEN status = 'returned' THEN status END, returned_at)
        ) AS event (kind, occurred_at)
        WHERE id = ANY(ids) AND event.kind IS NOT NULL
    ), posted AS (
        INSERT INTO transactions_journal (kind, subject_id, occurred_at)
        SELECT kind, id, occurred_at FROM event ORDER BY id, array_position(ARRAY['payout', 'paid', 'failed', 'returned'], kind::text)
        ON CONFLICT (subject_id, kind) DO NOTHING RETURNING id, kind, subject_id
    )
    INSERT INTO transactions_entry (id, journal_id, account, owner_id, currency, amount_cents, available_at)
    SELECT posted.id * 8 + line, posted.id, account, owner_id, event.currency, lines.amount_cents, lines.available_at
    FROM posted JOIN event ON event.id = posted.subject_id AND event.kind = posted.kind CROSS JOIN LATERAL (VALUES
        ('payout', 1, 'payable', seller_id, event.amount_cents, event.available_at),
        ('payout', 2, 'in_transit', 0, -event.amount_cents, NULL),
        ('paid', 1, 'in_transit', 0, event.amount_cents, NULL),
        ('paid', 2, 'bank', 0, -event.amount_cents, NULL),
        ('failed', 1, 'in_transit', 0, event.amount_cents, NULL),
        ('failed', 2, 'payable', seller_id, -event.amount_cents, event.available_at),
        ('returned', 1, 'bank', 0, event.amount_cents, NULL),
        ('returned', 2, 'payable', seller_id, -event.amount_cents, event.available_at)
    ) AS lines (kind, line, account, owner_id, amount_cents, available_at)
    WHERE lines.kind = event.kind;
END $$;
