-- One row per contact.
SELECT contact_id FROM contacts
