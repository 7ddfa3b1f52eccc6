-- One row per move of a contact, of every enrolment in every chain.
SELECT chain, version, wave, enrolment_id, seq, from_step, to_step, reason, visit, due_at, moved_at, run
FROM moves
WHERE contact_id = $contact_id
ORDER BY moved_at, enrolment_id, seq
