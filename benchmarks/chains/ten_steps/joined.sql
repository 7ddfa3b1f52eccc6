-- One row per contact that has joined.
SELECT contact_id FROM contacts WHERE contact_id < $joined
