-- One row per suppression of one slice that a load leaves as it is; `replaced` holds the keys it replaces.
SELECT c.*
FROM raw_suppressions AS c
WHERE coalesce(c.contact_id >> $slice_bits, 0) = $slice
    AND NOT EXISTS (
        FROM replaced AS i
        WHERE c.contact_id IS NOT DISTINCT FROM i.contact_id
        AND c.address_key IS NOT DISTINCT FROM i.address_key
        AND c.channel IS NOT DISTINCT FROM i.channel
        AND c.purpose IS NOT DISTINCT FROM i.purpose
    )
