-- One row per chain: its contacts, touches, cost and attributed revenue over all waves.
-- $chain: one chain, or NULL for all.
WITH funnel AS (
    SELECT chain, count(*) AS waves, sum(enrolled)::BIGINT AS enrolled, sum(treated)::BIGINT AS treated,
           sum(held_out)::BIGINT AS held_out, sum(active)::BIGINT AS active, sum(ended)::BIGINT AS ended,
           sum(reached)::BIGINT AS reached, sum(responded)::BIGINT AS responded, sum(goal)::BIGINT AS goal,
           sum(planned)::BIGINT AS planned, sum(sent)::BIGINT AS sent, sum(dropped)::BIGINT AS dropped,
           sum(deferred)::BIGINT AS deferred, sum(cost)::DOUBLE AS cost
    FROM chain_funnel
    WHERE $chain::TEXT IS NULL OR chain = $chain
    GROUP BY chain
),
credit AS (
    SELECT chain, sum(orders)::BIGINT AS attributed_orders, sum(attributed_revenue)::DOUBLE AS attributed_revenue
    FROM attributed_revenue
    GROUP BY chain
),
figures AS (
    SELECT funnel.*, coalesce(credit.attributed_orders, 0) AS attributed_orders,
           coalesce(credit.attributed_revenue, 0) AS attributed_revenue
    FROM funnel
    LEFT JOIN credit USING (chain)
)
SELECT * FROM figures ORDER BY chain
