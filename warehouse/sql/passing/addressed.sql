-- One row per contact: where it can be reached, and whether another contact has its address too.
-- Reads contacts_now (a view over the contacts in question), shared_emails, shared_phones.
SELECT c.contact_id,
       (CASE WHEN c.email_key IS NOT NULL THEN $email_bits ELSE 0 END
        | CASE WHEN c.phone_key IS NOT NULL THEN $phone_bits ELSE 0 END
        | CASE WHEN c.postcode IS NOT NULL AND c.address_1 IS NOT NULL THEN $post_bits ELSE 0 END
        | $open_bits)::UTINYINT AS reach,
       c.zone, c.email_key, c.phone_key,
       e.email_key IS NOT NULL AS email_shared, p.phone_key IS NOT NULL AS phone_shared
FROM contacts_now AS c
LEFT JOIN shared_emails AS e ON e.email_key = c.email_key
LEFT JOIN shared_phones AS p ON p.phone_key = c.phone_key
