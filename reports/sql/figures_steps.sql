-- One row per chain, step and channel: its touches over all waves, with the revenue attributed to them.
-- $chain: one chain, or NULL for all.
WITH credit AS (
    SELECT chain, step, channel, sum(attributed_revenue)::DOUBLE AS attributed_revenue
    FROM attributed_revenue
    GROUP BY chain, step, channel
),
funnel AS (
    SELECT chain, step, channel, sum(planned)::BIGINT AS planned, sum(pending)::BIGINT AS pending,
           sum(not_made)::BIGINT AS not_made, sum(unknown)::BIGINT AS unknown, sum(sent)::BIGINT AS sent,
           sum(bounced)::BIGINT AS bounced, sum(delivered)::BIGINT AS delivered, sum(unconfirmed)::BIGINT AS unconfirmed,
           sum(clicked)::BIGINT AS clicked, sum(responded)::BIGINT AS responded,
           sum(unsubscribed)::BIGINT AS unsubscribed, sum(complained)::BIGINT AS complained, sum(cost)::DOUBLE AS cost
    FROM step_funnel
    WHERE $chain::TEXT IS NULL OR chain = $chain
    GROUP BY chain, step, channel
),
figures AS (
    SELECT funnel.*, coalesce(credit.attributed_revenue, 0) AS attributed_revenue
    FROM funnel
    LEFT JOIN credit USING (chain, step, channel)
)
SELECT * FROM figures ORDER BY chain, step, channel
