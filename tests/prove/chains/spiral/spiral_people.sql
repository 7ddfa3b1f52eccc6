-- One row per contact that may enter the spiral at $as_of: four in five of all.
SELECT contact_id FROM contacts WHERE contact_id % 5 <> 4 AND created_at <= $as_of
