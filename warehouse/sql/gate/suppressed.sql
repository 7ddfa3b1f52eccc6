-- One row per candidate on the suppression list, as a contact or by address, for this channel and purpose.
-- A row with an address stops whoever has it now, a row without one its contact.
-- Purpose NULL stops commercial and relationship messages, 'all' transactional ones too.
WITH stops AS (
    SELECT contact_id, address_key, reason FROM suppressions_now
    WHERE from_at <= $as_of::TIMESTAMP AND (until_at IS NULL OR until_at > $as_of::TIMESTAMP)
      AND (channel IS NULL OR channel = $channel)
      AND (purpose = 'all' OR purpose = $purpose OR (purpose IS NULL AND $purpose <> 'transactional'))
), stopped AS (
    SELECT c.enrolment_id, c.visit, c.until_at, s.reason FROM candidates AS c JOIN stops AS s ON s.contact_id = c.contact_id AND s.address_key IS NULL
    UNION ALL
    SELECT c.enrolment_id, c.visit, c.until_at, s.reason FROM candidates AS c JOIN stops AS s ON s.address_key = c.address_key
)
SELECT enrolment_id, any_value(visit) AS visit, any_value(until_at) AS latest_at, 'suppressed' AS reason, 'suppression' AS rule, min(reason) AS value, NULL::VARCHAR AS limit_value,
       NULL::TIMESTAMP AS until_at
FROM stopped GROUP BY enrolment_id
