-- The form of a name by which accounts are told apart, in a unique index: one case, and for each Cyrillic and Greek letter
-- the Latin one that it looks like. Names that mix scripts are refused by microstore/auth/names.py.
CREATE OR REPLACE FUNCTION folded_name(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN translate(
        replace(lower(normalize(name, NFKC)), 'ß', 'ss'),
        'авеьгикмнопрстухіјѕһԁԛԝαβγεηικμνορσςτυχωıɑɡ',
        'abebrukmhonpctyxijshdqwabyenikuvopoctuxwiag'
    );
END $$;
