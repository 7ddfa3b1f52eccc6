-- One row per order line that counts at as_of: not cancelled by then, with its margin; returns are lines too.
-- bought: the line is a purchase, as it is for goals and waits; one with a negative amount takes revenue back and is none.
-- An order is one that has a line bought; margin is the line's own, else margin_rate of its amount; NULL where unknown.
WITH counted AS (
    SELECT contact_id, order_id, line_id, ordered_at, amount, (amount < 0) IS NOT TRUE AS bought,
           coalesce(margin::DOUBLE, amount::DOUBLE * getvariable('margin_rate')::DOUBLE) AS margin
    FROM orders
    WHERE cancelled_at IS NULL OR cancelled_at > getvariable('as_of')
)
SELECT * FROM counted
