-- The listings whose titles have a word similar to each word of `wanted`, the most similar first, 100 at most. For a
-- search that finds nothing exactly: a trigram index knows few short words apart, so those of one to three letters do
-- not count. `<%` is what the index `listing_similar` serves, so the longest word is looked up and the others compared.
CREATE OR REPLACE FUNCTION similar_listings(wanted text) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE STRICT SET pg_trgm.word_similarity_threshold = 0.4 AS $$
DECLARE
    words text[] := ARRAY(
        SELECT word FROM regexp_split_to_table(search_fold(left(wanted, 200)), '[^[:alnum:]]+') AS word
        WHERE length(word) >= 4 ORDER BY length(word) DESC LIMIT 10
    );
BEGIN
    -- Of a word that is like very many titles, 10,000 are compared: all 100,000 of a shop took 2.6 seconds.
    RETURN QUERY SELECT id FROM (
        SELECT id, search_fold(title) AS folded FROM listings_listing WHERE words[1] <% search_fold(title) LIMIT 10000
    ) AS candidate
    WHERE NOT EXISTS (SELECT FROM unnest(words[2:]) AS word WHERE NOT word <% folded)
    ORDER BY word_similarity(words[1], folded) DESC, id DESC LIMIT 100;
END $$;
