-- One row per contact that a rule stopped: the refusal with its reason.
INSERT INTO refusals SELECT contact_id, $step, reason, until_at, $as_of FROM verdicts WHERE reason IS NOT NULL
