-- One row per candidate whose address gets this step's message on this channel in this wave through another contact:
-- one that was planned before (in any slice), or the lowest contact of those that pass all other rules now.
WITH sharing AS (
    SELECT enrolment_id, visit, until_at, enrolment_id >> 36 AS wave, contact_id, address_key FROM candidates WHERE shared
), planned AS (
    SELECT DISTINCT k.wave, k.address_key, k.contact_id
    FROM step_planned AS t JOIN (
        SELECT w.wave << 36 | s.contact_id AS enrolment_id, w.wave, s.address_key, s.contact_id
        FROM (SELECT DISTINCT wave FROM sharing) AS w CROSS JOIN sharers AS s
    ) AS k ON k.enrolment_id = t.enrolment_id
), taken AS (
    SELECT s.enrolment_id, min(p.contact_id) AS contact_id
    FROM sharing AS s JOIN planned AS p ON p.wave = s.wave AND p.address_key = s.address_key AND p.contact_id <> s.contact_id
    GROUP BY s.enrolment_id
), first_now AS (
    SELECT s.wave, s.address_key, min(s.contact_id) AS contact_id
    FROM sharing AS s ANTI JOIN taken AS t ON t.enrolment_id = s.enrolment_id
    GROUP BY s.wave, s.address_key
)
SELECT s.enrolment_id, s.visit, s.until_at AS latest_at, 'same_address' AS reason, 'same_address' AS rule,
       coalesce(t.contact_id, f.contact_id)::VARCHAR AS value, '1' AS limit_value, NULL::TIMESTAMP AS until_at
FROM sharing AS s
LEFT JOIN taken AS t ON t.enrolment_id = s.enrolment_id
LEFT JOIN first_now AS f ON f.wave = s.wave AND f.address_key = s.address_key
WHERE t.contact_id IS NOT NULL OR f.contact_id < s.contact_id
