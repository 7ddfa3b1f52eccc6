-- One row per run (that planned the touch), chain, wave, step, channel, kind of response and machine or not.
WITH answered AS (
    SELECT touches.run, touches.chain, touches.version, touches.wave, touches.step, touches.channel, responses.kind,
           responses.machine, count(*) AS responses, count(DISTINCT responses.contact_id) AS contacts
    FROM responses
    JOIN touches USING (enrolment_id, step, visit, leg)
    GROUP BY ALL
)
SELECT * FROM answered
