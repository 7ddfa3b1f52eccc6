-- One row per line of one slice that a load leaves as it is; `replaced` holds the keys it replaces.
SELECT c.*
FROM raw_orders AS c
WHERE c.contact_id >> $slice_bits = $slice
    AND NOT EXISTS (
        FROM replaced AS i
        WHERE c.order_id = i.order_id
        AND c.line_id = i.line_id
    )
