-- One row per answer that closes something and has come by now, in the shape in which collected responses are placed.
CREATE OR REPLACE TEMP TABLE placed AS
SELECT contact_id, enrolment_id, step_no, visit, leg, kind, happened_at, channel, purpose, NULL::VARCHAR AS address_kind,
       NULL::UBIGINT AS address_key, 'rehearsal' AS source, enrolment_id || '-' || step_no || '-' || visit || '-' || leg AS dedup,
       true AS by_number
FROM coming
WHERE step_no IS NOT NULL AND kind IN ('unsubscribed', 'complained', 'bounced_hard')
  AND happened_at > $after::TIMESTAMP AND happened_at <= $now::TIMESTAMP
