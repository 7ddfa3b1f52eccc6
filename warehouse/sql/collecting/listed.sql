-- One row per response that is listed, in the order of contacts.
SELECT contact_id, enrolment_id, step_no, visit, leg, kind, happened_at, received_at, machine, meta, dedup
FROM placed
WHERE contact_id IS NOT NULL
ORDER BY contact_id, position
