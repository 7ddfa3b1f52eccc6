-- One row per contact that goes by an id: the company's own ($client_id), or the number given at load ($contact_id).
SELECT contact_id, client_id, first_name, last_name, language, zone, email_key, phone_key,
       postcode IS NOT NULL AND address_1 IS NOT NULL AS by_post
FROM contacts
WHERE client_id = $client_id OR contact_id = $contact_id
ORDER BY client_id = $client_id DESC, contact_id
