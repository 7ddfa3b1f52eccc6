-- One row per touch that was planned twice: same enrolment, step, visit and leg.
SELECT 'touch planned twice' AS what, contact_id, enrolment_id,
       step || ', visit ' || visit || ', leg ' || leg || ': ' || count(*) || ' times' AS detail
FROM touches WHERE chain = $chain
GROUP BY contact_id, enrolment_id, step, visit, leg HAVING count(*) > 1
LIMIT $most
