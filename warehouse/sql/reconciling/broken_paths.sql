-- One row per enrolment whose moves do not follow on one another: a number missing or twice, or a move that leaves
-- a step it did not stand at.
WITH ordered AS (
    SELECT enrolment_id, contact_id, seq, from_step, to_step,
           lag(seq) OVER same AS seq_before, lag(to_step) OVER same AS stood_at
    FROM moves WHERE chain = $chain
    WINDOW same AS (PARTITION BY enrolment_id ORDER BY seq)
)
SELECT 'broken path' AS what, contact_id, enrolment_id,
       'move ' || seq || ' from "' || from_step || '" to "' || to_step || '", stood at "' || coalesce(stood_at, '') || '"' AS detail
FROM ordered
WHERE seq <> coalesce(seq_before, 0) + 1 OR from_step <> coalesce(stood_at, '')
LIMIT $most
