-- What a person looks for: all words, each of which may be the beginning of one; NULL where there is no word.
-- A word of one or two letters is whole, since such beginnings match half the shop. Plurals find the singular.
CREATE OR REPLACE FUNCTION search_term(word text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    quoted text := '''' || replace(replace(left(word, 200), '\', '\\'), '''', '''''') || '''';
BEGIN
    RETURN '(' || quoted || CASE WHEN length(word) >= 3 THEN ':*' ELSE '' END
        || CASE WHEN word ~ '^[a-z]{3,}s$' THEN ' | ''' || left(word, -1) || '''' ELSE '' END
        || CASE WHEN word ~ '^[a-z]{3,}es$' THEN ' | ''' || left(word, -2) || '''' ELSE '' END || ')';
END $$;

CREATE OR REPLACE FUNCTION search_query(wanted text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    chunks text[] := regexp_split_to_array(search_fold(wanted), '[\s\u00a0\u2000-\u200b\u2028\u2029\u202f\u205f\u3000]+');
    chunk text;
    parts text[];
    terms text[] := '{}';
BEGIN
    FOREACH chunk IN ARRAY chunks LOOP
        parts := array_remove(regexp_split_to_array(chunk, '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\xbf\u00d7\u00f7\u2000-\u206f\u2e00-\u2e7f\u3000-\u303f\ufe00-\ufe0f]+'), '');
        CONTINUE WHEN cardinality(parts) = 0 OR cardinality(terms) = 10;
        terms := terms || ('(' || (SELECT string_agg(search_term(part), ' & ') FROM unnest(parts) AS part)
            || CASE WHEN cardinality(parts) > 1 THEN ' | ' || search_term(array_to_string(parts, '')) ELSE '' END || ')');
    END LOOP;
    IF cardinality(terms) = 0 THEN -- punctuation alone
        terms := ARRAY(SELECT search_term(word) FROM unnest(search_marks(wanted)) AS word WHERE word <> '' LIMIT 10);
    END IF;
    RETURN nullif(array_to_string(terms, ' & '), '')::tsquery;
END $$;
