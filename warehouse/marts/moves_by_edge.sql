-- One row per run, chain, version, wave and edge (from_step, reason, to_step): the moves made along it.
-- Deferrals are moves of a step onto itself, told apart by their reason.
WITH counted AS (
    SELECT run, chain, version, wave, from_step, reason, to_step,
           count(*) AS moves, count(DISTINCT enrolment_id) AS contacts
    FROM moves
    GROUP BY ALL
)
SELECT * FROM counted
