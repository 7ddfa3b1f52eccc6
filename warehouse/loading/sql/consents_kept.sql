-- One row per change of one slice that a load leaves as it is; `replaced` holds the keys it replaces.
SELECT c.*
FROM raw_consents AS c
WHERE c.contact_id >> $slice_bits = $slice
    AND NOT EXISTS (
        FROM replaced AS i
        WHERE c.contact_id = i.contact_id
        AND c.channel = i.channel
        AND c.purpose = i.purpose
        AND c.happened_at = i.happened_at
    )
