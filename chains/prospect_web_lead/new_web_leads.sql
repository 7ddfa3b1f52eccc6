-- One row per contact who filled in a web form in the $days_new days before $as_of and has not bought yet.
WITH leads AS (
    SELECT contact_id
    FROM contacts
    WHERE lower(replace(touchpoint, '_', ' ')) IN ('web form', 'formulaire web')
      AND created_at <= $as_of
      AND created_at > $as_of::TIMESTAMP - to_days($days_new::INTEGER)
), buyers AS (
    SELECT DISTINCT contact_id
    FROM orders
    WHERE ordered_at <= $as_of
)
SELECT contact_id
FROM leads
WHERE contact_id NOT IN (SELECT contact_id FROM buyers)
