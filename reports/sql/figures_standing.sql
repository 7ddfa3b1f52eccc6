-- One row per chain and step where enrolments stand now or ended; $chain: one chain, or NULL for all.
WITH figures AS (
    SELECT chain, step, sum(contacts)::BIGINT AS contacts
    FROM enrolments_by_step
    WHERE $chain::TEXT IS NULL OR chain = $chain
    GROUP BY chain, step
)
SELECT * FROM figures ORDER BY chain, step
