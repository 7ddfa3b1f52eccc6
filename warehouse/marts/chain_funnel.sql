-- One row per chain, version and wave, with the run that enrolled it: its contacts from entry to goal.
-- enrolled = treated + held_out; enrolled = active + ended; goal counts the treated inside the window, bought or not
-- because of the chain (see holdout_outcomes for what it caused); contacts, not touches, save for the last columns.
WITH stands AS (
    SELECT run, chain, version, wave, count(*) AS enrolled,
           count(*) FILTER (arm = 'treated') AS treated, count(*) FILTER (arm = 'holdout') AS held_out,
           count(*) FILTER (NOT ended) AS active, count(*) FILTER (ended) AS ended,
           count(*) FILTER (by_goal) AS left_by_goal
    FROM enrolment_ends
    GROUP BY ALL
),
reached AS (
    SELECT facts.wave, count(DISTINCT facts.enrolment_id) FILTER (facts.state = 'made') AS reached,
           count(DISTINCT facts.enrolment_id) FILTER (facts.state = 'made' AND heard.responded) AS responded,
           count(*) AS planned, count(*) FILTER (facts.state = 'made') AS sent, sum(facts.cost) AS cost
    FROM touch_facts AS facts
    LEFT JOIN touch_heard AS heard USING (enrolment_id, step, visit, leg)
    GROUP BY facts.wave
),
refused AS (
    SELECT wave, count(*) FILTER (until_at IS NULL) AS dropped, count(*) FILTER (until_at IS NOT NULL) AS deferred
    FROM refusals
    GROUP BY wave
),
bought AS (
    SELECT wave, count(*) FILTER (arm = 'treated' AND goal) AS goal, any_value(closes_at) AS closes_at
    FROM enrolment_outcomes
    GROUP BY wave
),
funnel AS (
    SELECT stands.*, coalesce(reached.reached, 0) AS reached, coalesce(reached.responded, 0) AS responded,
           bought.goal, bought.closes_at, coalesce(reached.planned, 0) AS planned, coalesce(reached.sent, 0) AS sent,
           coalesce(refused.dropped, 0) AS dropped, coalesce(refused.deferred, 0) AS deferred,
           coalesce(reached.cost, 0)::DECIMAL(18, 4) AS cost
    FROM stands
    LEFT JOIN reached USING (wave)
    LEFT JOIN refused USING (wave)
    LEFT JOIN bought USING (wave)
)
SELECT * FROM funnel
