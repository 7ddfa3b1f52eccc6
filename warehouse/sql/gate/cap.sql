-- One row per candidate that had as many touches as a cap allows after an instant, over all chains: deferred by the
-- touch that makes room (until_at is its planning; the cap's days are added to it by the calendar). Touches that
-- were not made do not count; planned ones do. Reads recent_touches (contact_id, planned_at).
WITH recent AS (
    SELECT contact_id, planned_at FROM recent_touches WHERE planned_at > $after::TIMESTAMP
), reached AS (
    SELECT contact_id, count(*) AS touches FROM recent GROUP BY contact_id HAVING count(*) >= $at_most::BIGINT
), latest AS (
    SELECT r.contact_id, any_value(w.touches) AS touches, max(r.planned_at, $at_most::BIGINT) AS planned
    FROM recent AS r JOIN reached AS w ON w.contact_id = r.contact_id GROUP BY r.contact_id
)
SELECT c.enrolment_id, c.visit, c.until_at AS latest_at, 'cap' AS reason, $cap AS rule, l.touches::VARCHAR AS value,
       $at_most::VARCHAR AS limit_value, l.planned[$at_most::BIGINT] AS until_at
FROM candidates AS c JOIN latest AS l ON l.contact_id = c.contact_id
