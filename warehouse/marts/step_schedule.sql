-- One row per chain and step that sends: how many of the treated it reached, and how long after their enrolment.
-- With it the same waves can be played again with other arms.
WITH treated AS (
    SELECT chain, count(*) AS treated FROM enrolments WHERE arm = 'treated' GROUP BY chain
),
made AS (
    SELECT facts.chain, facts.step, count(DISTINCT facts.enrolment_id) AS reached,
           quantile_disc(date_diff('second', enrolments.enrolled_at, facts.settled_at), 0.5) AS median_seconds
    FROM touch_facts AS facts
    JOIN enrolments USING (enrolment_id)
    WHERE facts.state = 'made' AND enrolments.arm = 'treated'
    GROUP BY facts.chain, facts.step
),
schedule AS (
    SELECT made.chain, made.step, made.median_seconds, made.reached / treated.treated AS reach
    FROM made
    JOIN treated USING (chain)
)
SELECT * FROM schedule
