-- One row per contact with an even number.
SELECT contact_id FROM contacts WHERE contact_id % 2 = 0
