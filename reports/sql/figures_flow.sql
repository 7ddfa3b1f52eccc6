-- One row per chain and edge (from_step, reason, to_step): contacts who moved along it; $chain: one chain, or NULL for all.
-- A contact that goes round is counted at each turn, so that what enters a step is what its edges bring.
WITH figures AS (
    SELECT chain, from_step, reason, to_step, sum(moves)::BIGINT AS moves
    FROM moves_by_edge
    WHERE $chain::TEXT IS NULL OR chain = $chain
    GROUP BY chain, from_step, reason, to_step
)
SELECT * FROM figures ORDER BY chain, from_step, reason, to_step
