-- One row per touch that a closing response answers, with the channel and purpose it had.
CREATE OR REPLACE TEMP TABLE touched AS
SELECT DISTINCT t.enrolment_id, s.step_no, t.visit, t.leg, t.channel, t.purpose
FROM asked_touches AS t
JOIN asked_steps AS s ON s.chain = t.chain AND s.step = t.step
SEMI JOIN placed AS p ON p.enrolment_id = t.enrolment_id
