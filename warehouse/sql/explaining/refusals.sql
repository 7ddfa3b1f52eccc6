-- One row per touch of a contact, or hand-over, that was not allowed: deferred until a moment, or dropped.
SELECT chain, wave, enrolment_id, step, visit, leg, reason, rule, value, limit_value, until_at, stage, refused_at, run
FROM refusals
WHERE contact_id = $contact_id
ORDER BY refused_at, enrolment_id, step, visit, leg
