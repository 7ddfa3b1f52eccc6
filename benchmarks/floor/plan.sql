-- One row per contact that may be written to: its touch.
INSERT INTO touches
SELECT contact_id, 'three_steps', $step, $channel, 'commercial', $as_of FROM verdicts WHERE reason IS NULL
