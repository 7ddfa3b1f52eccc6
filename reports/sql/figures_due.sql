-- One row per step of the chain $chain where contacts stand, and quarter of an hour in which they are due: how many, and
-- the first of them. A quarter is a whole part of every zone's day, so that whoever reads it can count by days of their own.
WITH figures AS (
    SELECT step, time_bucket(INTERVAL 15 MINUTE, due_at) AS quarter, min(due_at) AS due_at, count(*) AS contacts
    FROM enrolment_ends
    WHERE chain = $chain AND NOT ended
    GROUP BY step, quarter
)
SELECT step, due_at, contacts FROM figures ORDER BY step, due_at
