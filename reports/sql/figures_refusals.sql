-- One row per chain, stage, reason and rule: touches that the gate refused; $chain: one chain, or NULL for all.
WITH figures AS (
    SELECT chain, stage, reason, rule, sum(refusals)::BIGINT AS refusals, sum(dropped)::BIGINT AS dropped,
           sum(deferred)::BIGINT AS deferred
    FROM refusals_by_reason
    WHERE $chain::TEXT IS NULL OR chain = $chain
    GROUP BY chain, stage, reason, rule
)
SELECT * FROM figures ORDER BY chain, refusals DESC, stage, reason, rule
