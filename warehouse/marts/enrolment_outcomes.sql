-- One row per enrolment of a chain with a goal: what the contact bought inside the goal's window, in both arms.
-- The window opens at enrolment (after it) and closes at closes_at (with it), whatever was sent, also after an exit.
-- Orders and margin are those of order_lines: a return lessens the revenue, and is neither an order nor the goal.
WITH windows AS (
    SELECT enrolments.run, enrolments.chain, enrolments.wave, enrolments.enrolment_id, enrolments.contact_id,
           enrolments.arm, enrolments.enrolled_at, goals.kind, goals.closes_at, goals.holdout
    FROM enrolments
    JOIN goals USING (wave)
),
bought AS (
    SELECT windows.enrolment_id, count(DISTINCT lines.order_id) FILTER (lines.bought) AS orders,
           sum(lines.amount) AS revenue,
           CASE WHEN count(*) = count(lines.margin) THEN sum(lines.margin) END AS margin
    FROM windows
    JOIN order_lines AS lines ON lines.contact_id = windows.contact_id
        AND lines.ordered_at > windows.enrolled_at AND lines.ordered_at <= windows.closes_at
    GROUP BY windows.enrolment_id
),
answered AS (
    SELECT DISTINCT windows.enrolment_id
    FROM windows
    JOIN responses ON responses.contact_id = windows.contact_id AND responses.kind = windows.kind
        AND NOT responses.machine
        AND responses.happened_at > windows.enrolled_at AND responses.happened_at <= windows.closes_at
    WHERE windows.kind <> 'purchased'
),
outcomes AS (
    SELECT windows.*, coalesce(bought.orders, 0) AS orders, coalesce(bought.revenue, 0)::DECIMAL(18, 4) AS revenue,
           CASE WHEN bought.enrolment_id IS NULL THEN 0.0 ELSE bought.margin END AS margin,
           bought.enrolment_id IS NOT NULL AND bought.margin IS NULL AS margin_unknown,
           CASE WHEN windows.kind = 'purchased' THEN coalesce(bought.orders, 0) > 0
                ELSE answered.enrolment_id IS NOT NULL END AS goal
    FROM windows
    LEFT JOIN bought USING (enrolment_id)
    LEFT JOIN answered USING (enrolment_id)
)
SELECT * FROM outcomes
