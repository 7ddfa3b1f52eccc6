-- One row per suppression that names a contact or an address it holds now (`of_address`); `in_force` at $as_of.
SELECT channel, purpose, reason, from_at, until_at,
       CASE address_key WHEN $email_key::UBIGINT THEN 'email' WHEN $phone_key::UBIGINT THEN 'phone' END AS of_address,
       from_at <= $as_of::TIMESTAMP AND (until_at IS NULL OR until_at > $as_of::TIMESTAMP) AS in_force
FROM suppressions
WHERE (address_key IS NULL AND contact_id = $contact_id)
   OR address_key IN ($email_key::UBIGINT, $phone_key::UBIGINT)
ORDER BY from_at, channel, purpose, reason
