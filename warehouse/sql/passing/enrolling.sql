-- One row per contact of the audience or hand-over: what keeps it out, if anything. Reads asked (contact_id),
-- entries (contact_id, enrolment_id, enrolled_at: every earlier enrolment in this chain) and ended (enrolment_id).
WITH inside AS (
    SELECT e.contact_id FROM entries AS e ANTI JOIN ended AS x ON x.enrolment_id = e.enrolment_id
), recent AS (
    SELECT contact_id FROM entries WHERE enrolled_at > $entered_before::TIMESTAMP
)
SELECT contact_id, 'inside' AS kept_out FROM asked SEMI JOIN inside USING (contact_id)
UNION ALL
SELECT contact_id, 'entered_recently' AS kept_out FROM asked SEMI JOIN recent USING (contact_id)
    ANTI JOIN inside USING (contact_id)
UNION ALL
SELECT contact_id, NULL AS kept_out FROM asked ANTI JOIN recent USING (contact_id) ANTI JOIN inside USING (contact_id)
