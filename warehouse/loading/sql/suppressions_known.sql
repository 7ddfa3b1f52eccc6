-- One row per incoming row that is known already, in the order of place: the suppression as it stands.
SELECT i.place, c.*
FROM incoming AS i
JOIN raw_suppressions AS c ON c.contact_id IS NOT DISTINCT FROM i.contact_id
    AND c.address_key IS NOT DISTINCT FROM i.address_key
    AND c.channel IS NOT DISTINCT FROM i.channel
    AND c.purpose IS NOT DISTINCT FROM i.purpose
ORDER BY i.place
