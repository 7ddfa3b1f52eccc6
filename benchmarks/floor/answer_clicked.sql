-- One row per contact at the wait that has clicked: on to the closing, two weeks from now.
UPDATE enrolments SET place = 'closing', due_at = $as_of + INTERVAL 14 DAY, latest_at = $as_of + INTERVAL 21 DAY
WHERE place = 'answer' AND contact_id IN (SELECT contact_id FROM responses WHERE step = 'opening' AND kind = 'clicked')
