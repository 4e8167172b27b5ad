-- Give a listing its next edition whenever what buyers agree to has changed, whoever changed it.
CREATE OR REPLACE FUNCTION next_edition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.edition := OLD.edition + 1;
    RETURN NEW;
END $$;
-- A purchase sets none of these columns, so that it never comes to the condition.
CREATE OR REPLACE TRIGGER next_edition
BEFORE UPDATE OF title, description, category, price_cents, currency ON listings_listing
FOR EACH ROW WHEN (
    NEW.edition = OLD.edition AND (NEW.title, NEW.description, NEW.category, NEW.price_cents, NEW.currency)
    IS DISTINCT FROM (OLD.title, OLD.description, OLD.category, OLD.price_cents, OLD.currency)
) EXECUTE FUNCTION next_edition();
