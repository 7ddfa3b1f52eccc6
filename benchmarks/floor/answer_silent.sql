-- One row per contact at the wait whose opening was accepted a week ago or earlier: on to the reminder.
UPDATE enrolments SET place = 'reminder', due_at = $as_of, latest_at = $as_of + INTERVAL 7 DAY
WHERE place = 'answer' AND due_at IN (
    SELECT planned_at FROM handed_over
    WHERE step = 'opening' AND outcome = 'accepted' AND settled_at + INTERVAL 7 DAY <= $as_of)
