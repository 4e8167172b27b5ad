-- Rights of microstore_notifications, the database role of the notifications worker; run as their owner after `migrate`.
-- What it does not need it cannot read: it sends e-mail, and so parses what strangers' servers return.
DO $rights$
BEGIN
    -- Servers that somebody else runs may have one user for everything.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'microstore_notifications') THEN
        RETURN;
    END IF;

    -- Of the columns as well: a revoked right of a table takes those of its columns along.
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM microstore_notifications;
    GRANT SELECT (id, username, email, is_active) ON auth_user TO microstore_notifications;
    GRANT SELECT (user_id, email_notifications, verified_email, language, unsubscribe_token)
        ON listings_profile TO microstore_notifications;
    GRANT SELECT (id, seller_id, title, edition) ON listings_listing TO microstore_notifications;
    GRANT SELECT (id, listing_id, title, edition) ON listings_listingedition TO microstore_notifications;
    GRANT SELECT (id, checkout_id, buyer_id, listing_id, edition, quantity, total_cents, currency, status, reason)
        ON listings_order TO microstore_notifications;
    GRANT SELECT (id, reason) ON listings_refund TO microstore_notifications;
    GRANT SELECT, INSERT (recipient_id, event_id, kind, role, order_id, text)
        ON listings_notification TO microstore_notifications;
    GRANT SELECT, INSERT, UPDATE (sent_at, error, held) ON listings_email TO microstore_notifications;
    GRANT SELECT, INSERT, UPDATE (address, token_hash, expires_at, sent_at, error)
        ON listings_accountmail TO microstore_notifications;
    GRANT SELECT, INSERT ON listings_sentmail TO microstore_notifications;
    GRANT SELECT, INSERT, UPDATE ON messaging_deadletter TO microstore_notifications;
    GRANT USAGE ON SEQUENCE messaging_deadletter_id_seq, listings_notification_id_seq, listings_sentmail_id_seq
        TO microstore_notifications;

    -- microstore/messaging/dead_letters/sql/rights.sql says why.
    DROP TRIGGER IF EXISTS own_dead_letters ON messaging_deadletter;
    CREATE TRIGGER own_dead_letters BEFORE INSERT OR UPDATE ON messaging_deadletter
        FOR EACH ROW WHEN (current_user = 'microstore_notifications')
        EXECUTE FUNCTION refuse_foreign_dead_letters('^(notifications\.heard_.*|mail_account)$');
END
$rights$
