-- One row per contact who got the message of a step in a wave, or may have: its touch was accepted, or nobody knows.
SELECT DISTINCT r.contact_id FROM receipts AS r
WHERE r.wave = of_wave AND r.step = of_step AND r.outcome IN ('accepted', 'duplicate', 'unknown')
