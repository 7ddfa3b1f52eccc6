-- One row per contact of one slice that a load leaves as it is; `replaced` holds the keys it replaces.
SELECT c.*
FROM raw_contacts AS c
WHERE c.contact_id >> $slice_bits = $slice
    AND NOT EXISTS (
        FROM replaced AS i
        WHERE c.contact_id = i.contact_id
    )
