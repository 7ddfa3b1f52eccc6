-- One row per enrolment of a chain with a goal: what the contact bought inside the goal's window, in both arms.
-- The window opens at enrolment (after it) and closes at closes_at (with it), whatever was sent, also after an exit.
-- Orders cancelled by as_of are none; margin is the line's own, else margin_rate of its amount; NULL where unknown.
WITH lines AS (
    SELECT contact_id, order_id, ordered_at, amount,
           coalesce(margin::DOUBLE, amount::DOUBLE * getvariable('margin_rate')::DOUBLE) AS margin
    FROM orders
    WHERE cancelled_at IS NULL OR cancelled_at > getvariable('as_of')
),
windows AS (
    SELECT enrolments.run, enrolments.chain, enrolments.wave, enrolments.enrolment_id, enrolments.contact_id,
           enrolments.arm, enrolments.enrolled_at, goals.kind, goals.closes_at, goals.holdout
    FROM enrolments
    JOIN goals USING (wave)
),
bought AS (
    SELECT windows.enrolment_id, count(DISTINCT lines.order_id) AS orders, sum(lines.amount) AS revenue,
           CASE WHEN count(*) = count(lines.margin) THEN sum(lines.margin) END AS margin
    FROM windows
    JOIN lines ON lines.contact_id = windows.contact_id
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
           CASE WHEN windows.kind = 'purchased' THEN bought.enrolment_id IS NOT NULL
                ELSE answered.enrolment_id IS NOT NULL END AS goal
    FROM windows
    LEFT JOIN bought USING (enrolment_id)
    LEFT JOIN answered USING (enrolment_id)
)
SELECT * FROM outcomes
