-- One row per address that a response came from and contact who holds it now.
CREATE OR REPLACE TEMP TABLE holder AS
WITH address AS (
    SELECT DISTINCT address_kind, address_key
    FROM arrived
    WHERE address_key IS NOT NULL
)
SELECT a.address_kind, a.address_key, p.contact_id
FROM address AS a
JOIN people AS p ON p.email_key = a.address_key
WHERE a.address_kind = 'email'
UNION
SELECT a.address_kind, a.address_key, p.contact_id
FROM address AS a
JOIN people AS p ON p.phone_key = a.address_key
WHERE a.address_kind = 'phone'
