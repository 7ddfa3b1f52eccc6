-- One row per run (that planned), chain, version, wave and channel: touches paid for, units and cost, without tax.
-- cost_each is NULL where nothing was paid for.
WITH paid AS (
    SELECT run, chain, version, wave, channel, count(*) FILTER (state IN ('made', 'unknown')) AS touches,
           sum(units)::BIGINT AS units, sum(cost)::DECIMAL(18, 4) AS cost
    FROM touch_facts
    GROUP BY ALL
)
SELECT *, (cost / nullif(touches, 0))::DOUBLE AS cost_each FROM paid
