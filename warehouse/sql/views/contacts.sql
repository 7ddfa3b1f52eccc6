-- One row per contact, with its attributes as loaded.
SELECT * FROM raw_contacts
