-- One row: a contact with a long story, for `relance explain`: touches of both chains, refusals, responses.
SELECT contacts.client_id
FROM contacts
JOIN (SELECT contact_id, count(*) AS touches, count(DISTINCT chain) AS chains FROM touches GROUP BY contact_id) AS sent
    USING (contact_id)
LEFT JOIN (SELECT contact_id, count(*) AS refusals FROM refusals GROUP BY contact_id) AS refused USING (contact_id)
LEFT JOIN (SELECT contact_id, count(*) AS clicks FROM responses WHERE kind = 'clicked' AND NOT machine GROUP BY contact_id) AS heard
    USING (contact_id)
ORDER BY sent.chains DESC, least(coalesce(heard.clicks, 0), 2) DESC, least(coalesce(refused.refusals, 0), 2) DESC,
    sent.touches DESC, contacts.contact_id
LIMIT 1
