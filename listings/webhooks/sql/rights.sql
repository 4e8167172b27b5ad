-- Rights of microstore_webhooks, the database role of worker and sender of webhooks; run as their owner after `migrate`.
-- The sender calls addresses that users have chosen, and parses what is answered.
DO $rights$
BEGIN
    -- Servers that somebody else runs may have one user for everything.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'microstore_webhooks') THEN
        RETURN;
    END IF;

    -- Of the columns as well: a revoked right of a table takes those of its columns along.
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM microstore_webhooks;
    -- Who has the permission for the events of all orders.
    GRANT SELECT (id, is_active, is_superuser) ON auth_user TO microstore_webhooks;
    GRANT SELECT ON auth_user_groups, auth_user_user_permissions, auth_group, auth_group_permissions, auth_permission,
        django_content_type TO microstore_webhooks;
    GRANT SELECT (id, seller_id) ON listings_listing TO microstore_webhooks;
    GRANT SELECT (id, listing_id, status) ON listings_order TO microstore_webhooks;
    GRANT SELECT, UPDATE (failures, failing_since, paused_until, enabled, off_reason, mail_due)
        ON listings_webhookendpoint TO microstore_webhooks;
    GRANT SELECT, INSERT (endpoint_id, event_id, event_type, body), UPDATE (status, attempts, due_at, settled_at)
        ON listings_webhookdelivery TO microstore_webhooks;
    GRANT SELECT, INSERT ON listings_webhookattempt TO microstore_webhooks;
    GRANT SELECT, INSERT, UPDATE ON messaging_deadletter TO microstore_webhooks;
    GRANT USAGE ON SEQUENCE messaging_deadletter_id_seq, listings_webhookdelivery_id_seq, listings_webhookattempt_id_seq
        TO microstore_webhooks;

    -- microstore/messaging/dead_letters/sql/rights.sql says why.
    DROP TRIGGER IF EXISTS own_dead_letters_of_webhooks ON messaging_deadletter;
    CREATE TRIGGER own_dead_letters_of_webhooks BEFORE INSERT OR UPDATE ON messaging_deadletter
        FOR EACH ROW WHEN (current_user = 'microstore_webhooks')
        EXECUTE FUNCTION refuse_foreign_dead_letters('^webhooks\.heard_.*$');
END
$rights$
