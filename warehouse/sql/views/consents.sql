-- One row per change of a consent: contact, channel, purpose and instant.
SELECT * FROM raw_consents
