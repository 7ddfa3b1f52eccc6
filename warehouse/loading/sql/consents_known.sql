-- One row per incoming row that is known already, in the order of place: the change as it stands.
SELECT i.place, c.*
FROM incoming AS i
JOIN raw_consents AS c ON c.contact_id = i.contact_id
    AND c.channel = i.channel
    AND c.purpose = i.purpose
    AND c.happened_at = i.happened_at
ORDER BY i.place
