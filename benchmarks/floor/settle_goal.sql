-- One row per contact that has bought inside its window, by an order listed since the last pass: it leaves.
UPDATE enrolments SET place = 'goal', due_at = NULL
FROM (SELECT contact_id, max(ordered_at) AS ordered_at FROM orders
      WHERE listed_at > $last AND cancelled_at IS NULL GROUP BY contact_id) AS o
WHERE o.contact_id = enrolments.contact_id AND enrolments.due_at IS NOT NULL
  AND o.ordered_at > enrolled_at AND o.ordered_at <= enrolled_at + INTERVAL 56 DAY
