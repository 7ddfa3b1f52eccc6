-- One row per contact: everybody.
SELECT contact_id FROM contacts
