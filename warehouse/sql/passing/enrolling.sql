-- One row per contact of the audience or hand-over: what keeps it out, if anything. Reads asked (contact_id),
-- entries (contact_id, enrolment_id, enrolled_at: every earlier enrolment in this chain) and ended (enrolment_id).
WITH earlier AS (
    SELECT e.contact_id, max(e.enrolled_at) AS latest,
           bool_or(x.enrolment_id IS NULL) AS inside
    FROM entries AS e SEMI JOIN asked AS a ON a.contact_id = e.contact_id
    LEFT JOIN ended AS x ON x.enrolment_id = e.enrolment_id
    GROUP BY e.contact_id
)
SELECT a.contact_id,
       CASE WHEN e.inside THEN 'inside'
            WHEN e.contact_id IS NOT NULL AND ($never_again::BOOLEAN OR e.latest > $entered_before::TIMESTAMP)
            THEN 'entered_recently' END AS kept_out
FROM asked AS a LEFT JOIN earlier AS e ON e.contact_id = a.contact_id
