-- Keep the id of a listing's first picture in its row, where a purchase reads it; another one is another edition.
CREATE OR REPLACE FUNCTION first_picture() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE listings_listing SET picture_id = first.id
    FROM (
        SELECT changed.id AS listing_id, (array_agg(image.id ORDER BY image.position, image.id))[1] AS id
        FROM unnest(ARRAY[OLD.listing_id, NEW.listing_id]) AS changed (id)
        LEFT JOIN listings_listingimage image ON image.listing_id = changed.id GROUP BY changed.id
    ) AS first
    WHERE listings_listing.id = first.listing_id AND picture_id IS DISTINCT FROM first.id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER first_picture AFTER INSERT OR DELETE OR UPDATE OF listing_id ON listings_listingimage
FOR EACH ROW EXECUTE FUNCTION first_picture();
