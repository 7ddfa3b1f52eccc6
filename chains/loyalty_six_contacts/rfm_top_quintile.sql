-- One row per contact in the best fifth of buyers by recency, frequency and money, as known at $as_of.
-- Each of the three gives 1 (worst) to 5 (best), the sum ranks; the contact's number breaks ties, so that
-- the same moment always gives the same fifth.
WITH buyers AS (
    SELECT contact_id,
           max(ordered_at) AS last_ordered_at,
           count(DISTINCT coalesce(order_id, ordered_at::VARCHAR)) AS times,
           sum(amount) AS spent
    FROM orders
    WHERE ordered_at <= $as_of
      AND (cancelled_at IS NULL OR cancelled_at > $as_of)
    GROUP BY contact_id
    HAVING sum(amount) > 0
), scored AS (
    SELECT contact_id,
           ntile(5) OVER (ORDER BY last_ordered_at, contact_id) AS recency,
           ntile(5) OVER (ORDER BY times, contact_id) AS frequency,
           ntile(5) OVER (ORDER BY spent, contact_id) AS money
    FROM buyers
), ranked AS (
    SELECT contact_id,
           ntile(5) OVER (ORDER BY recency + frequency + money DESC, contact_id) AS fifth
    FROM scored
)
SELECT contact_id
FROM ranked
WHERE fifth = 1
