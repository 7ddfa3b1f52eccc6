-- One row per refusal.
SELECT contact_id, step, reason FROM refusals
