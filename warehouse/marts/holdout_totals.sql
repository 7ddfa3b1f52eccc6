-- One row per chain and arm of a chain with a holdout: moments of the outcome per contact, over all its waves.
-- A contact enrolled twice counts once, and an order inside two of its windows counts once: contacts are
-- independent of each other, enrolments of one contact are not, and the interval rests on that.
WITH windows AS (
    SELECT enrolments.chain, enrolments.arm, enrolments.contact_id, enrolments.enrolled_at, goals.closes_at, goals.kind
    FROM enrolments
    JOIN goals USING (wave)
    WHERE goals.holdout > 0
),
arms AS (
    SELECT chain, arm, contact_id, count(*) AS enrolments, max(closes_at) AS closes_at
    FROM windows
    GROUP BY ALL
),
lines AS (
    SELECT DISTINCT windows.chain, windows.arm, windows.contact_id, lines.order_id, lines.line_id, lines.amount,
           lines.margin, lines.bought
    FROM windows
    JOIN order_lines AS lines ON lines.contact_id = windows.contact_id
        AND lines.ordered_at > windows.enrolled_at AND lines.ordered_at <= windows.closes_at
),
bought AS (
    SELECT chain, arm, contact_id, count(DISTINCT order_id) FILTER (bought) AS orders, sum(amount) AS revenue,
           sum(margin) AS margin, count(*) > count(margin) AS margin_unknown
    FROM lines
    GROUP BY ALL
),
moments AS (
    SELECT arms.chain, arms.arm, count(*) AS contacts, sum(arms.enrolments)::BIGINT AS enrolments,
           count(*) FILTER (bought.revenue > 0) AS buyers, coalesce(sum(bought.orders), 0)::BIGINT AS orders,
           coalesce(sum(bought.revenue), 0)::DECIMAL(18, 4) AS revenue,
           coalesce(sum(bought.revenue::DOUBLE * bought.revenue::DOUBLE), 0) AS revenue_squares,
           CASE WHEN bool_or(bought.margin_unknown) THEN NULL ELSE coalesce(sum(bought.margin), 0) END AS margin,
           CASE WHEN bool_or(bought.margin_unknown) THEN NULL
                ELSE coalesce(sum(bought.margin * bought.margin), 0) END AS margin_squares,
           avg((arms.closes_at <= getvariable('as_of'))::INTEGER) AS mature_share
    FROM arms
    LEFT JOIN bought USING (chain, arm, contact_id)
    GROUP BY arms.chain, arms.arm
)
SELECT * FROM moments
