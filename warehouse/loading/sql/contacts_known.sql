-- One row per incoming row that is known already, in the order of place: the contact as it stands.
SELECT i.place, c.*
FROM incoming AS i
JOIN raw_contacts AS c ON c.client_id = i.client_id
ORDER BY i.place
