-- One row per candidate that had as many touches as a cap allows within its days, over all chains: deferred until
-- the one that makes room is old enough. Touches that were not made do not count; planned ones do.
WITH recent AS (
    SELECT contact_id, planned_at FROM recent_touches
    WHERE planned_at > $as_of::TIMESTAMP - to_days($within_days::INTEGER)
), reached AS (
    SELECT c.enrolment_id, count(*) AS touches, max(r.planned_at, greatest($at_most::BIGINT, 1)) AS latest
    FROM candidates AS c JOIN recent AS r ON r.contact_id = c.contact_id
    GROUP BY c.enrolment_id HAVING count(*) >= $at_most::BIGINT
)
SELECT enrolment_id, 'cap' AS reason, $cap AS rule, touches::VARCHAR AS value, $at_most::VARCHAR AS limit_value,
       latest[greatest($at_most::BIGINT, 1)] + to_days($within_days::INTEGER) AS until_at
FROM reached
