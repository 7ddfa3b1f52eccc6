-- One row per contact, channel, purpose and response that withdraws a consent.
-- By key or number it is that contact's; by address alone it is that of every contact who holds the address.
WITH meant AS (
    SELECT c.contact_id, c.channel, c.purpose, c.happened_at, c.source, c.kind, c.dedup
    FROM closing AS c
    WHERE c.kind <> 'bounced_hard' AND c.by_number AND c.contact_id IS NOT NULL
    UNION ALL
    SELECT h.contact_id, c.channel, c.purpose, c.happened_at, c.source, c.kind, c.dedup
    FROM closing AS c
    JOIN holder AS h ON h.address_kind = c.address_kind AND h.address_key = c.address_key
    WHERE c.kind <> 'bounced_hard' AND NOT c.by_number
),
by_purpose AS (
    SELECT *,
           CASE
               WHEN purpose IN ('commercial', 'relationship', 'transactional') THEN [purpose]
               ELSE ['commercial', 'relationship']
           END AS purposes
    FROM meant
)
SELECT contact_id, channel, unnest(purposes) AS purpose, 'withdrawn' AS status, happened_at, source AS touchpoint,
       kind || ' ' || dedup AS proof
FROM by_purpose
ORDER BY contact_id, dedup, channel, purpose
