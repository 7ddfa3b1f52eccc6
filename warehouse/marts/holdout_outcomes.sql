-- One row per chain, wave and arm of a chain with a holdout, with the run that enrolled it: moments of the outcome.
-- Contacts count in the arm that they drew, whatever was sent; squares are sums of squares per contact.
-- mature: the goal's window is over at as_of; before, both arms are cut off alike.
WITH moments AS (
    SELECT run, chain, wave, arm, any_value(holdout) AS holdout, any_value(closes_at) AS closes_at,
           count(*) AS contacts, count(*) FILTER (revenue > 0) AS buyers, count(*) FILTER (goal) AS goals,
           sum(orders)::BIGINT AS orders, sum(revenue)::DECIMAL(18, 4) AS revenue,
           sum(revenue::DOUBLE * revenue::DOUBLE) AS revenue_squares,
           CASE WHEN bool_or(margin_unknown) THEN NULL ELSE sum(margin) END AS margin,
           CASE WHEN bool_or(margin_unknown) THEN NULL ELSE sum(margin * margin) END AS margin_squares
    FROM enrolment_outcomes
    WHERE holdout > 0
    GROUP BY run, chain, wave, arm
)
SELECT *, closes_at <= getvariable('as_of') AS mature FROM moments
