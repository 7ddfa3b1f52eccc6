-- One row per chain and arm with a holdout: moments of revenue and margin per contact; $chain: one chain, or NULL for all.
-- holdout: the largest share of its waves; waves with different shares are not compared by size.
WITH shares AS (
    SELECT chain, min(holdout) AS least, max(holdout) AS holdout FROM goals GROUP BY chain
),
arms AS (
    SELECT totals.*, shares.holdout, shares.least = shares.holdout AS one_share
    FROM holdout_totals AS totals
    JOIN shares USING (chain)
    WHERE $chain::TEXT IS NULL OR chain = $chain
)
SELECT * REPLACE (revenue::DOUBLE AS revenue) FROM arms ORDER BY chain, arm
