-- One row per chain, version, wave, arm, step and reason of the last move: the enrolments that stand or ended there.
WITH counted AS (
    SELECT run, chain, version, wave, arm, step, reason, ended, count(*) AS contacts
    FROM enrolment_ends
    GROUP BY ALL
)
SELECT * FROM counted
