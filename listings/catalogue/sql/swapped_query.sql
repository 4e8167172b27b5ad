-- As search_query, where each word may also have two letters exchanged that are neighbours, or have one between them:
-- the commonest slip, of which a trigram index sees little in a short word (chiar, wacth, bycicle).
CREATE OR REPLACE FUNCTION swapped_query(wanted text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = public, pg_catalog AS $$
BEGIN
    RETURN (
        SELECT string_agg('(' || search_term(word) || coalesce((
            SELECT string_agg(' | ' || search_term(
                left(word, place - 1) || substr(word, place + away, 1) || substr(word, place + 1, away - 1)
                || substr(word, place, 1) || substr(word, place + away + 1)
            ), '')
            FROM generate_series(1, 2) AS away, generate_series(1, length(word) - away) AS place
            WHERE length(word) BETWEEN 4 AND 20
        ), '') || ')', ' & ')
        FROM (
            SELECT word FROM regexp_split_to_table(search_fold(left(wanted, 200)), '[^[:alnum:]]+') AS word
            WHERE word <> '' LIMIT 10
        ) AS words
    )::tsquery;
END $$;
