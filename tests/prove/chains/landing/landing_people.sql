-- One row per contact that lands by itself: one in ten of all.
SELECT contact_id FROM contacts WHERE contact_id % 10 = 4
