-- One row per contact (NULL: nobody known), address and channel that a response suppresses.
-- A hard bounce closes the address for everything, for each contact who holds it; with no address known (post) it
-- closes the channel for the contact. An unsubscription or complaint from an address nobody holds closes that address.
WITH bounced AS (
    SELECT c.contact_id, c.channel, c.happened_at, c.dedup,
           CASE
               WHEN c.channel = 'email' AND c.address_kind = 'email' THEN c.address_key
               WHEN c.channel IN ('sms', 'phone', 'voice') AND c.address_kind = 'phone' THEN c.address_key
               WHEN c.channel = 'email' THEN p.email_key
               WHEN c.channel IN ('sms', 'phone', 'voice') THEN p.phone_key
           END AS address_key
    FROM closing AS c
    LEFT JOIN people AS p ON p.contact_id = c.contact_id
    WHERE c.kind = 'bounced_hard'
),
held_by AS (
    SELECT b.address_key, b.channel, p.contact_id
    FROM bounced AS b
    JOIN people AS p ON p.email_key = b.address_key
    WHERE b.channel = 'email'
    UNION
    SELECT b.address_key, b.channel, p.contact_id
    FROM bounced AS b
    JOIN people AS p ON p.phone_key = b.address_key
    WHERE b.channel <> 'email'
),
closed AS (
    SELECT coalesce(h.contact_id, b.contact_id) AS contact_id, b.address_key, b.channel, 'all' AS purpose,
           'bounced_hard' AS reason, b.happened_at
    FROM bounced AS b
    LEFT JOIN held_by AS h ON h.address_key = b.address_key AND h.channel = b.channel
    UNION ALL
    SELECT NULL AS contact_id, address_key, channel, NULL AS purpose, kind AS reason, happened_at
    FROM closing
    WHERE kind <> 'bounced_hard' AND contact_id IS NULL AND address_key IS NOT NULL
)
SELECT contact_id, address_key, channel, purpose, reason, min(happened_at) AS from_at,
       CAST(NULL AS TIMESTAMP) AS until_at
FROM closed
WHERE contact_id IS NOT NULL OR address_key IS NOT NULL
GROUP BY contact_id, address_key, channel, purpose, reason
ORDER BY contact_id, address_key, channel, purpose, reason
