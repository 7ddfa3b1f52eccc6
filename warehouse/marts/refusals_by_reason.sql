-- One row per run, chain, wave, step, stage (plan or send), reason and rule: the touches that the gate refused.
-- refusals = dropped + deferred; a deferred touch comes back by itself, and may be refused again.
WITH counted AS (
    SELECT run, chain, version, wave, step, stage, reason, rule, count(*) AS refusals,
           count(*) FILTER (until_at IS NULL) AS dropped, count(*) FILTER (until_at IS NOT NULL) AS deferred,
           count(DISTINCT contact_id) AS contacts
    FROM refusals
    GROUP BY ALL
)
SELECT * FROM counted
