-- One row per run that left rows: what that run itself did, whatever wave it did it to.
-- sent, cost: of the touches that this run planned, by now; a later run may have handed them over.
WITH did AS (
    SELECT run, chain, count(*) AS enrolled, count(*) FILTER (arm = 'holdout') AS held_out, 0 AS moved, 0 AS planned,
           0 AS sent, 0 AS dropped, 0 AS deferred, 0::DECIMAL(18, 4) AS cost
    FROM enrolments GROUP BY ALL
    UNION ALL BY NAME
    SELECT run, chain, count(*) AS moved FROM moves GROUP BY ALL
    UNION ALL BY NAME
    SELECT run, chain, count(*) AS planned, count(*) FILTER (state = 'made') AS sent, sum(cost) AS cost
    FROM touch_facts GROUP BY ALL
    UNION ALL BY NAME
    SELECT run, chain, count(*) FILTER (until_at IS NULL) AS dropped, count(*) FILTER (until_at IS NOT NULL) AS deferred
    FROM refusals GROUP BY ALL
),
summed AS (
    SELECT run, chain, coalesce(sum(enrolled), 0)::BIGINT AS enrolled, coalesce(sum(held_out), 0)::BIGINT AS held_out,
           coalesce(sum(moved), 0)::BIGINT AS moved, coalesce(sum(planned), 0)::BIGINT AS planned,
           coalesce(sum(sent), 0)::BIGINT AS sent, coalesce(sum(dropped), 0)::BIGINT AS dropped,
           coalesce(sum(deferred), 0)::BIGINT AS deferred, coalesce(sum(cost), 0)::DECIMAL(18, 4) AS cost
    FROM did
    GROUP BY ALL
)
SELECT * FROM summed
