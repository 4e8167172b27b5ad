-- The one normalisation for what is searched and for what is searched for. Letters lose case and accents; Japanese
-- and Chinese have no spaces, so each of their signs becomes a word. These are PL/pgSQL, which keeps its plans: as
-- plain SQL they took 7 ms a call.
CREATE OR REPLACE FUNCTION search_fold(written text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN regexp_replace(
        replace(replace(replace(translate(
            lower(regexp_replace(
                normalize(written, NFKD), '[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670\u3099\u309a]', '', 'g'
            )), 'øłđðıħ', 'olddih'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'),
        '([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])', ' \1 ', 'g');
END $$;

-- What is between the spaces of a text without letters or digits; the text itself where nothing is.
CREATE OR REPLACE FUNCTION search_marks(written text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = public, pg_catalog AS $$
DECLARE
    chunks text[] := array_remove(regexp_split_to_array(search_fold(written), '[\s\u00a0\u2000-\u200b\u2028\u2029\u202f\u205f\u3000]+'), '');
BEGIN
    RETURN CASE WHEN cardinality(chunks) > 0 THEN chunks ELSE ARRAY[written] END;
END $$;

-- Chunks between spaces are cut at punctuation, and kept joined too: AC/DC is ac, dc and acdc. The search_path is
-- fixed, since pg_restore builds the index with an empty one.
CREATE OR REPLACE FUNCTION search_words(title text, description text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 SET search_path = public, pg_catalog AS $$
DECLARE
    chunks text[] := regexp_split_to_array(search_fold(title || ' ' || description), '[\s\u00a0\u2000-\u200b\u2028\u2029\u202f\u205f\u3000]+');
    titled text := search_fold(title);
    spaced text := array_to_string(chunks, ' ');
    words text[] := regexp_split_to_array(spaced, '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\xbf\u00d7\u00f7\u2000-\u206f\u2e00-\u2e7f\u3000-\u303f\ufe00-\ufe0f]+')
        || string_to_array(regexp_replace(spaced, '[\x01-\x1f\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\xbf\u00d7\u00f7\u2000-\u206f\u2e00-\u2e7f\u3000-\u303f\ufe00-\ufe0f]+', '', 'g'), ' ');
BEGIN
    -- A title of punctuation alone has no such words; it is found by its chunks, and where folding leaves none, as it is.
    IF titled !~ '[^\s\u00a0\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\xbf\u00d7\u00f7\u2000-\u206f\u2e00-\u2e7f\u3000-\u303f\ufe00-\ufe0f]' THEN
        words := words || search_marks(title);
    END IF;
    RETURN ARRAY(SELECT DISTINCT left(word, 200) FROM unnest(words) AS word WHERE word <> '');
END $$;
