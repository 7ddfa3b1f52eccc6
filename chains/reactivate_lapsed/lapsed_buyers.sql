-- One row per contact whose last order is more than $months_silent months old at $as_of.
-- Not those silent for $months_forgotten months: data kept for advertising has to go some time
-- (in France the authority's rule is three years after the last contact).
WITH last_orders AS (
    SELECT contact_id, max(ordered_at) AS last_ordered_at
    FROM orders
    WHERE ordered_at <= $as_of
      AND amount >= 0                                   -- a return is negative, and no sign of life as a buyer
      AND (cancelled_at IS NULL OR cancelled_at > $as_of)
    GROUP BY contact_id
)
SELECT contact_id
FROM last_orders
WHERE last_ordered_at <= $as_of::TIMESTAMP - to_months($months_silent::INTEGER)
  AND last_ordered_at > $as_of::TIMESTAMP - to_months($months_forgotten::INTEGER)
