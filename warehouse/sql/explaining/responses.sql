-- One row per response of a contact; chain and step where it answers a touch.
SELECT chain, wave, enrolment_id, step, visit, leg, kind, happened_at, received_at, machine
FROM responses
WHERE contact_id = $contact_id
ORDER BY happened_at, kind, dedup
