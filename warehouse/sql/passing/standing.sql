-- One row per contact: what the gate needs to know of it. Present consent is the last word said per channel
-- and purpose; a customer is who has an order that was not cancelled.
-- Reads addressed (the contacts in question and their addresses), said (what each has granted and refused), orders_now.
SELECT c.contact_id, coalesce(s.granted, 0)::UINTEGER AS granted, coalesce(s.refused, 0)::UINTEGER AS refused,
       coalesce(c.contact_id IN (SELECT contact_id FROM orders_now WHERE cancelled_at IS NULL AND amount >= 0), false)
           AS customer,
       c.reach, c.zone, c.email_key, c.phone_key, c.email_shared, c.phone_shared
FROM addressed AS c
LEFT JOIN said AS s ON s.contact_id = c.contact_id
