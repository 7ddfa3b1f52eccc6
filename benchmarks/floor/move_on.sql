-- One row per contact due at a Send: where it stands now; who is deferred stays.
UPDATE enrolments
SET place = CASE WHEN v.reason IS NULL THEN $sent::place WHEN v.until_at IS NULL THEN $dropped::place ELSE enrolments.place END,
    due_at = CASE WHEN v.until_at IS NOT NULL THEN v.until_at
                  WHEN starts_with(CASE WHEN v.reason IS NULL THEN $sent ELSE $dropped END, 'exit:') THEN NULL
                  ELSE $due_at::TIMESTAMP END,
    latest_at = CASE WHEN v.until_at IS NULL THEN $due_at::TIMESTAMP + INTERVAL 7 DAY ELSE latest_at END
FROM verdicts AS v WHERE v.contact_id = enrolments.contact_id
