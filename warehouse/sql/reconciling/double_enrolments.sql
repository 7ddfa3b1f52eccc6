-- One row per contact that is in the chain twice at the same time.
WITH lives AS (
    SELECT enrolment_id, contact_id, min(moved_at) AS entered_at, arg_max(to_step, seq) AS stands_at,
           max(moved_at) AS moved_at
    FROM moves WHERE chain = $chain GROUP BY enrolment_id, contact_id
), active AS (
    SELECT * FROM lives WHERE NOT starts_with(stands_at, 'exit:') AND NOT starts_with(stands_at, 'enrol:')
      AND NOT starts_with(stands_at, 'suppress:') AND stands_at <> 'goal'
)
SELECT 'in the chain twice' AS what, contact_id, max(enrolment_id) AS enrolment_id,
       count(*)::VARCHAR || ' active enrolments' AS detail
FROM active GROUP BY contact_id HAVING count(*) > 1
LIMIT $most
