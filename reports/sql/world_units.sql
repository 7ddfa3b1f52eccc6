-- One row per chain with a holdout and contact enrolled in it: what the contact bought in its windows, whatever the arm.
-- Orders inside two windows count once; those of $planted count for nobody.
WITH windows AS (
    SELECT enrolments.chain, enrolments.contact_id, enrolments.enrolled_at, goals.closes_at, goals.holdout
    FROM enrolments
    JOIN goals USING (wave)
    WHERE goals.holdout > 0
),
members AS (
    SELECT chain, contact_id, any_value(holdout) AS holdout FROM windows GROUP BY chain, contact_id
),
lines AS (
    SELECT DISTINCT windows.chain, windows.contact_id, lines.order_id, lines.line_id, lines.amount
    FROM windows
    JOIN order_lines AS lines ON lines.contact_id = windows.contact_id
        AND lines.ordered_at > windows.enrolled_at AND lines.ordered_at <= windows.closes_at
    WHERE lines.order_id NOT IN (SELECT unnest($planted::TEXT[]))
),
bought AS (
    SELECT chain, contact_id, sum(amount)::DOUBLE AS revenue FROM lines GROUP BY chain, contact_id
),
units AS (
    SELECT members.chain, members.contact_id, members.holdout, coalesce(bought.revenue, 0) AS revenue
    FROM members
    LEFT JOIN bought USING (chain, contact_id)
)
SELECT * FROM units ORDER BY chain, contact_id
