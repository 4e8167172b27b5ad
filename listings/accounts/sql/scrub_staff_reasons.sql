-- Empty the reasons that staff gave for what they did to an account, its listings and its orders; what they did stays. No
-- process may change staff_staffaction: this runs with the rights of the tables' owner, once a deletion.
CREATE OR REPLACE FUNCTION scrub_staff_reasons(person integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM listings_accountdeletion WHERE user_id = person AND scrubbed_at IS NULL) THEN
        RAISE insufficient_privilege USING MESSAGE = 'The deletion of this account is not requested, or done';
    END IF;
    -- A migration has named the accounts whose names looked alike.
    UPDATE staff_staffaction SET target = 'user ' || person FROM auth_user
    WHERE auth_user.id = person AND action = 'renamed' AND target = 'user ' || username;
    -- Who tried to log in at the admin.
    UPDATE staff_staffaction SET by = '(deleted)', address = NULL WHERE by = 'user ' || person;
    UPDATE staff_staffaction SET reason = 'Deleted.' WHERE reason <> '' AND target IN (
        SELECT 'user ' || person
        UNION ALL SELECT 'listing ' || id FROM listings_listing WHERE seller_id = person
        UNION ALL SELECT 'order ' || id FROM listings_order WHERE buyer_id = person
        UNION ALL SELECT 'order ' || sold.id FROM listings_order sold
            JOIN listings_listing listing ON listing.id = sold.listing_id WHERE seller_id = person
    );
END $$;
