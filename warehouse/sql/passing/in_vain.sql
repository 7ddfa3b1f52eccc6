-- One row per Send of an enrolment at a wait whose last touch was not made, where a further channel is still to be asked:
-- its visit, the leg tried last, whether the next one was put off until a moment to come, and whether an answer was heard.
-- Reads hearing, heard_by (the answers), touches_here, receipts_here, refusals_here and ways (step, legs).
WITH tried AS (
    SELECT t.enrolment_id, t.step, t.visit, max(t.leg) AS leg, arg_max(t.seq, t.leg) AS seq
    FROM touches_here AS t JOIN hearing AS h ON h.enrolment_id = t.enrolment_id AND t.seq > h.since
    GROUP BY t.enrolment_id, t.step, t.visit
)
SELECT t.enrolment_id, t.step, t.visit, t.leg, h.until_at IS NOT NULL AND h.due_at > $as_of::TIMESTAMP AS deferred,
       a.heard_rank IS NOT NULL AS heard
FROM tried AS t
JOIN ways AS w ON w.step = t.step AND t.leg < w.legs
JOIN receipts_here AS r ON r.enrolment_id = t.enrolment_id AND r.step = t.step AND r.visit = t.visit AND r.leg = t.leg
     AND NOT r.made
JOIN hearing AS h ON h.enrolment_id = t.enrolment_id
JOIN heard_by AS a ON a.enrolment_id = t.enrolment_id
ANTI JOIN (SELECT * FROM refusals_here WHERE until_at IS NULL) AS f
  ON f.enrolment_id = t.enrolment_id AND f.step = t.step AND f.visit = t.visit AND f.leg > t.leg
