-- One row per incoming row, in the order of place: the contact it belongs to, NULL where there is none.
SELECT i.place, c.contact_id
FROM incoming AS i
LEFT JOIN raw_contacts AS c USING (client_id)
ORDER BY i.place
