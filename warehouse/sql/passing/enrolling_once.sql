-- One row per contact of the audience or hand-over, for a chain that nobody enters twice: what keeps it out, if
-- anything. Reads asked (contact_id), entries (contact_id, …) and ended (enrolment_id).
WITH known AS (
    SELECT contact_id FROM asked SEMI JOIN entries USING (contact_id)
), gone AS (
    SELECT contact_id FROM known
    SEMI JOIN (SELECT enrolment_id & 68719476735 AS contact_id FROM ended) AS e USING (contact_id)
)
SELECT contact_id, 'entered_recently' AS kept_out FROM gone
UNION ALL
SELECT contact_id, 'inside' AS kept_out FROM known ANTI JOIN gone USING (contact_id)
UNION ALL
SELECT contact_id, NULL AS kept_out FROM asked ANTI JOIN known USING (contact_id)
