-- Called by processes of releases before has_rows; no longer by this one.
-- Whether any listing has all the words of `wanted`. By a bitmap of the index `listing_search` and no other way: for one
-- row PostgreSQL would rather read the table until it meets one, and of two rare words that is all of it.
CREATE OR REPLACE FUNCTION is_listed(wanted text) RETURNS boolean
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_indexscan = off AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM listings_listing WHERE array_to_tsvector(search_words(title, description)) @@ search_query(wanted)
    );
END $$;
