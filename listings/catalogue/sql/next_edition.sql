-- Give a listing its next edition whenever what buyers agree to has changed, whoever changed it. An edition that has
-- been ordered is kept: orders name it, and show its text and its first picture for ever.
CREATE OR REPLACE FUNCTION next_edition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.edition = OLD.edition THEN
        NEW.edition := OLD.edition + 1;
    END IF;
    -- The row is locked by now: an order of this edition is committed, and seen here, or will find another edition.
    IF EXISTS (SELECT FROM listings_order WHERE listing_id = OLD.id AND edition = OLD.edition) THEN
        INSERT INTO listings_listingedition (listing_id, edition, title, description, category, picture_id)
        VALUES (OLD.id, OLD.edition, OLD.title, OLD.description, OLD.category, OLD.picture_id);
    END IF;
    RETURN NEW;
END $$;
-- A purchase sets none of these columns, so that it never comes to the condition.
CREATE OR REPLACE TRIGGER next_edition
BEFORE UPDATE OF title, description, category, price_cents, currency, picture_id, edition ON listings_listing
FOR EACH ROW WHEN (
    (NEW.edition, NEW.title, NEW.description, NEW.category, NEW.price_cents, NEW.currency, NEW.picture_id)
    IS DISTINCT FROM
    (OLD.edition, OLD.title, OLD.description, OLD.category, OLD.price_cents, OLD.currency, OLD.picture_id)
) EXECUTE FUNCTION next_edition();
