-- One row per contact: what the gate needs to know of it. Present consent is the last word said per channel
-- and purpose, of two at the same instant the refusal; a customer is who has an order that was not cancelled.
-- Reads contacts_now, consents_now, orders_now (views over the contacts in question), consent_bits (channel,
-- purpose, bit), shared_emails, shared_phones.
WITH words AS (
    SELECT c.contact_id, b.bit, c.status <> 'granted' AS refusal, c.happened_at
    FROM consents_now AS c JOIN consent_bits AS b USING (channel, purpose)
), latest AS (
    -- The last word as one number, odd for a refusal: half the CPU of arg_max over text keys.
    SELECT contact_id, bit, max(epoch_us(happened_at) * 2 + refusal::BIGINT) AS word FROM words GROUP BY contact_id, bit
), said AS (
    SELECT contact_id,
           bit_or(CASE WHEN word % 2 = 0 THEN bit ELSE 0::UINTEGER END) AS granted,
           bit_or(CASE WHEN word % 2 <> 0 THEN bit ELSE 0::UINTEGER END) AS refused
    FROM latest GROUP BY contact_id
), customers AS (
    SELECT DISTINCT contact_id FROM orders_now WHERE cancelled_at IS NULL AND amount >= 0
)
SELECT c.contact_id, coalesce(s.granted, 0)::UINTEGER AS granted, coalesce(s.refused, 0)::UINTEGER AS refused,
       u.contact_id IS NOT NULL AS customer,
       (CASE WHEN c.email_key IS NOT NULL THEN $email_bits ELSE 0 END
        | CASE WHEN c.phone_key IS NOT NULL THEN $phone_bits ELSE 0 END
        | CASE WHEN c.postcode IS NOT NULL AND c.address_1 IS NOT NULL THEN $post_bits ELSE 0 END
        | $open_bits)::UTINYINT AS reach,
       c.zone, c.email_key, c.phone_key,
       e.email_key IS NOT NULL AS email_shared, p.phone_key IS NOT NULL AS phone_shared
FROM contacts_now AS c
LEFT JOIN said AS s ON s.contact_id = c.contact_id
LEFT JOIN customers AS u ON u.contact_id = c.contact_id
LEFT JOIN shared_emails AS e ON e.email_key = c.email_key
LEFT JOIN shared_phones AS p ON p.phone_key = c.phone_key
