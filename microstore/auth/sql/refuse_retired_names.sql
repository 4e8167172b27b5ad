-- A name of a deleted account is not to be had again, nor one that looks like it. Its hash is kept, not the name.
CREATE OR REPLACE FUNCTION retired_name_hash(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(sha256(convert_to(folded_name(name), 'UTF8')), 'hex')
$$;
CREATE OR REPLACE FUNCTION refuse_retired_names() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever has the name already keeps it: Django's forms write all columns.
    IF TG_OP = 'UPDATE' AND NEW.username = OLD.username THEN
        RETURN NEW;
    END IF;
    IF EXISTS (SELECT FROM staff_retiredname WHERE name_hash = retired_name_hash(NEW.username)) THEN
        RAISE unique_violation USING MESSAGE = 'This is the name of a deleted account';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER refuse_retired_names BEFORE INSERT OR UPDATE OF username ON auth_user
FOR EACH ROW EXECUTE FUNCTION refuse_retired_names();
