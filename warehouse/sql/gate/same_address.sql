-- One row per candidate whose address gets this step's message in this wave through another contact: the lowest
-- contact of those that ask now, or one that was planned before (in any slice).
WITH sharing AS (
    SELECT enrolment_id, enrolment_id >> 36 AS wave, contact_id, address_key FROM candidates WHERE shared
), taken AS (
    SELECT t.enrolment_id >> 36 AS wave, k.address_key, min(k.contact_id) AS contact_id
    FROM step_touches AS t JOIN sharers AS k ON k.contact_id = t.enrolment_id & 68719476735
    GROUP BY ALL
), first_now AS (
    SELECT wave, address_key, min(contact_id) AS contact_id FROM sharing GROUP BY wave, address_key
)
SELECT s.enrolment_id, 'same_address' AS reason, 'same_address' AS rule,
       coalesce(t.contact_id, f.contact_id)::VARCHAR AS value, '1' AS limit_value, NULL::TIMESTAMP AS until_at
FROM sharing AS s
JOIN first_now AS f ON f.wave = s.wave AND f.address_key = s.address_key
LEFT JOIN taken AS t ON t.wave = s.wave AND t.address_key = s.address_key AND t.contact_id <> s.contact_id
WHERE t.contact_id IS NOT NULL OR f.contact_id < s.contact_id
