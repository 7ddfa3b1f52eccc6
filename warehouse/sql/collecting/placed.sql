-- One row per new response, with its contact, or NULL where nobody was found.
-- A key says who, else the contact's number if it is known, else the address. Of several contacts with one address
-- the response is listed for the first, so that it is counted once (withdrawals hold for all of them).
CREATE OR REPLACE TEMP TABLE placed AS
WITH named AS (
    SELECT contact_id
    FROM people
    WHERE contact_id IN (SELECT contact_id FROM arrived WHERE enrolment_id IS NULL AND contact_id IS NOT NULL)
),
first_holder AS (
    SELECT address_kind, address_key, min(contact_id) AS contact_id
    FROM holder
    GROUP BY address_kind, address_key
)
SELECT a.* REPLACE (
           CASE WHEN a.enrolment_id IS NOT NULL THEN a.contact_id ELSE coalesce(n.contact_id, f.contact_id) END
           AS contact_id),
       a.enrolment_id IS NOT NULL OR n.contact_id IS NOT NULL AS by_number
FROM arrived AS a
LEFT JOIN named AS n ON n.contact_id = a.contact_id
LEFT JOIN first_holder AS f ON f.address_kind = a.address_kind AND f.address_key = a.address_key
