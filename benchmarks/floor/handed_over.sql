-- One row per step with touches of this pass: a channel that takes everything has taken them.
INSERT INTO handed_over
SELECT DISTINCT step, planned_at, 'accepted', $as_of FROM touches WHERE chain = 'three_steps' AND planned_at = $as_of
