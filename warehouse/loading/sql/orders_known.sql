-- One row per incoming row that is known already, in the order of place: the line as it stands.
SELECT i.place, c.*
FROM incoming AS i
JOIN raw_orders AS c ON c.order_id = i.order_id
    AND c.line_id = i.line_id
ORDER BY i.place
