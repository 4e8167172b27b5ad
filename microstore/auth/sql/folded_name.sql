-- The form of a name that is unique: one case, and for each Cyrillic and Greek letter the Latin one that it looks like. It is
-- in an index and in hashes of retired names, and does not change; what else looks alike is in name_skeleton.
CREATE OR REPLACE FUNCTION folded_name(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN translate(
        replace(lower(normalize(name, NFKC)), 'ß', 'ss'),
        'авеьгикмнопрстухіјѕһԁԛԝαβγεηικμνορσςτυχωıɑɡ',
        'abebrukmhonpctyxijshdqwabyenikuvopoctuxwiag'
    );
END $$;
-- What a name looks like: capitals and small letters, digits and marks of the scripts that names.py allows, by Unicode's table of
-- confusables (TR 39); marks are left out. `I` looks like `l`, and `i` does not, so that cases are not folded first.
CREATE OR REPLACE FUNCTION name_skeleton(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    unmarked text := regexp_replace(normalize(normalize(name, NFKC), NFKD), '[\u0300-\u036f]', '', 'g');
    latin text := translate(
        unmarked,
        'IΑΒΕΖΗΙΚΜΝΟΡΤΥΧΓΛΠΦАВЕЅІЈКМНОРСТУХҮҺՏՍՕԼ',
        'labezhlkmnoptyxглпфabesljkmhopctyxyhsuol'
    );
BEGIN
    latin := translate(
        replace(lower(latin), 'ß', 'ss'),
        '01øłđħıавеьгикмнопрстухіјѕһүзбәαβγεηικμνορσςτυχωօսհոռցզգքաყჿエカタトニノハロ囗ヘーイ',
        'ololdhiabebrukmhonpctyxijshy36əabyenikuvopoctuxwouhnngqqfwyo工力夕卜二丿八口口へ一亻'
    );
    RETURN replace(replace(latin, 'rn', 'm'), 'vv', 'w');
END $$;
