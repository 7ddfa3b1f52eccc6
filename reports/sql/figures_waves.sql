-- One row per chain and wave, with the run that enrolled it, its name and its holdout's moments (NULL without one).
-- lives: somebody is in it still, or its goal counts still.
-- $chain: one chain, or NULL for all.
WITH credit AS (
    SELECT wave, sum(attributed_revenue)::DOUBLE AS attributed_revenue FROM attributed_revenue GROUP BY wave
),
arms AS (
    SELECT wave,
           any_value(contacts) FILTER (arm = 'treated') AS treated_n,
           any_value(revenue) FILTER (arm = 'treated')::DOUBLE AS treated_total,
           any_value(revenue_squares) FILTER (arm = 'treated') AS treated_squares,
           any_value(buyers) FILTER (arm = 'treated') AS treated_buyers,
           any_value(contacts) FILTER (arm = 'holdout') AS holdout_n,
           any_value(revenue) FILTER (arm = 'holdout')::DOUBLE AS holdout_total,
           any_value(revenue_squares) FILTER (arm = 'holdout') AS holdout_squares,
           any_value(buyers) FILTER (arm = 'holdout') AS holdout_buyers,
           bool_and(mature) AS mature
    FROM holdout_outcomes
    GROUP BY wave
),
figures AS (
    SELECT funnel.run, runs.name AS run_name, funnel.chain, funnel.wave, funnel.enrolled, funnel.held_out, funnel.sent,
           funnel.active, funnel.active > 0 OR coalesce(funnel.closes_at > getvariable('as_of'), false) AS lives,
           funnel.goal, funnel.cost::DOUBLE AS cost, coalesce(credit.attributed_revenue, 0) AS attributed_revenue,
           arms.* EXCLUDE (wave)
    FROM chain_funnel AS funnel
    LEFT JOIN runs USING (run)
    LEFT JOIN credit USING (wave)
    LEFT JOIN arms USING (wave)
    WHERE $chain::TEXT IS NULL OR funnel.chain = $chain
)
SELECT * FROM figures ORDER BY chain, wave
