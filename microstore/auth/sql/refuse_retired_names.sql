-- A name of a deleted account is not to be had again, nor one that looks like it or another's. Hashes are kept, not the name.
CREATE OR REPLACE FUNCTION retired_name_hash(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(sha256(convert_to(folded_name(name), 'UTF8')), 'hex')
$$;
CREATE OR REPLACE FUNCTION look_hash(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(sha256(convert_to(name_skeleton(name), 'UTF8')), 'hex')
$$;
-- By the indexes in any case: of a plan that was made while the table was small, a bulk insert reads the whole table for each row.
CREATE OR REPLACE FUNCTION refuse_retired_names() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    -- Whoever has the name already keeps it: Django's forms write all columns.
    IF TG_OP = 'UPDATE' AND NEW.username = OLD.username THEN
        RETURN NEW;
    END IF;
    IF EXISTS (
        SELECT FROM staff_retiredname WHERE name_hash IN (retired_name_hash(NEW.username), look_hash(NEW.username))
    ) THEN
        RAISE unique_violation USING MESSAGE = 'This is the name of a deleted account';
    END IF;
    -- Two at the same moment meet at the index, which leaves out names of before this rule where some of them looked alike.
    IF EXISTS (
        SELECT FROM auth_user WHERE name_skeleton(username) = name_skeleton(NEW.username) AND id <> NEW.id
    ) THEN
        RAISE unique_violation USING MESSAGE = 'Another account has a name that looks like this one';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER refuse_retired_names BEFORE INSERT OR UPDATE OF username ON auth_user
FOR EACH ROW EXECUTE FUNCTION refuse_retired_names();
