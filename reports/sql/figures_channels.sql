-- One row per channel: touches paid for, units and cost over the chains; $chain: one chain, or NULL for all.
WITH figures AS (
    SELECT channel, sum(touches)::BIGINT AS touches, sum(units)::BIGINT AS units, sum(cost)::DOUBLE AS cost
    FROM channel_costs
    WHERE $chain::TEXT IS NULL OR chain = $chain
    GROUP BY channel
)
SELECT *, cost / nullif(touches, 0) AS cost_each FROM figures ORDER BY channel
