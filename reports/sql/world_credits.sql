-- One row per order and touch that would come before it within $days, if the contact is treated and the step reached.
-- The touches are those of the chain's schedule, laid over every enrolment in either arm; the last row of an order
-- (by touched_at) is its last touch. Orders are whole; those of $planted are left out.
WITH whole_orders AS (
    SELECT contact_id, order_id, ordered_at, sum(amount)::DOUBLE AS amount
    FROM order_lines
    WHERE order_id NOT IN (SELECT unnest($planted::TEXT[]))
    GROUP BY contact_id, order_id, ordered_at
),
touched AS (
    SELECT enrolments.chain, enrolments.contact_id, enrolments.wave, schedule.step, schedule.reach,
           enrolments.enrolled_at + to_seconds(schedule.median_seconds) AS touched_at
    FROM enrolments
    JOIN goals USING (wave)
    JOIN step_schedule AS schedule ON schedule.chain = enrolments.chain
    WHERE goals.holdout > 0
),
credits AS (
    SELECT touched.chain, touched.contact_id, touched.wave, touched.step, touched.reach, touched.touched_at,
           whole_orders.order_id, whole_orders.amount
    FROM touched
    JOIN whole_orders ON whole_orders.contact_id = touched.contact_id
        AND whole_orders.ordered_at >= touched.touched_at
        AND whole_orders.ordered_at < touched.touched_at + to_days($days::INTEGER)
)
SELECT * FROM credits ORDER BY contact_id, order_id, touched_at, chain, step, wave
