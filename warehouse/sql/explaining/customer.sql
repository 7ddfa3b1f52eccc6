-- One row per contact ($contact_id): its order lines that make it a customer, and the last of them.
SELECT count(*) AS lines, max(ordered_at) AS last_ordered_at
FROM orders
WHERE contact_id = $contact_id AND cancelled_at IS NULL AND amount >= 0
