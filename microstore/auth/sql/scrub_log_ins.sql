-- Take a deleted account's name out of the log-ins at the admin that former releases recorded by it. No process may change
-- staff_staffaction: this runs with the rights of the tables' owner, and leaves what is about staff.
CREATE OR REPLACE FUNCTION scrub_log_ins(hash text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM auth_user WHERE is_staff AND retired_name_hash(username) = hash) THEN
        RETURN;
    END IF;
    UPDATE staff_staffaction SET by = '(deleted)', address = NULL
    WHERE action IN ('logged in', 'failed to log in') AND retired_name_hash(by) = hash;
END $$;
