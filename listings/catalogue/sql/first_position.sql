-- A listing's pictures in another order: one statement for all of them, after which the first one is kept.
CREATE OR REPLACE TRIGGER first_position AFTER UPDATE OF position ON listings_listingimage
FOR EACH ROW EXECUTE FUNCTION first_picture();
