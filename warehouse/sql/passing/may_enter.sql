-- One row per contact of the audience that may enter: not in the chain now, and not entered too recently (never
-- again: never before). Reads asked (contact_id), entries (contact_id, enrolment_id, enrolled_at) and ended
-- (enrolment_id).
SELECT contact_id FROM asked
ANTI JOIN (
    SELECT contact_id FROM entries WHERE $never_again::BOOLEAN OR enrolled_at > $entered_before::TIMESTAMP
    UNION ALL
    SELECT e.contact_id FROM entries AS e ANTI JOIN ended AS x ON x.enrolment_id = e.enrolment_id
    WHERE NOT $never_again::BOOLEAN AND e.enrolled_at <= $entered_before::TIMESTAMP
) AS kept USING (contact_id)
