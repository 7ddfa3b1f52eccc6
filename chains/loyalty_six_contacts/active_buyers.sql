-- One row per contact who ordered in the $days_since_order days before $as_of.
SELECT DISTINCT contact_id
FROM orders
WHERE ordered_at <= $as_of
  AND ordered_at > $as_of::TIMESTAMP - to_days($days_since_order::INTEGER)
  AND amount >= 0                                       -- a return is negative
  AND (cancelled_at IS NULL OR cancelled_at > $as_of)
