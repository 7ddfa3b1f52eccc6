-- One row: how many of the audience are in the chain now. Reads asked, entries and ended.
SELECT count(*) AS inside FROM asked SEMI JOIN (
    SELECT e.contact_id FROM entries AS e ANTI JOIN ended AS x ON x.enrolment_id = e.enrolment_id
) AS i USING (contact_id)
