-- Whether a query has a row, by bitmaps of its indexes and no other way: for one row PostgreSQL would rather read the
-- table until it meets one, and of two rare words that is all of it.
CREATE OR REPLACE FUNCTION has_rows(query text) RETURNS boolean
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_indexscan = off AS $$
DECLARE
    has_one boolean;
BEGIN
    EXECUTE 'SELECT EXISTS (' || query || ')' INTO has_one;
    RETURN has_one;
END $$;
