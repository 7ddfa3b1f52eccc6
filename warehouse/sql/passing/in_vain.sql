-- One row per Send of an enrolment at a wait whose last touch came to nothing (it was not made, or the wait is over and
-- nothing was heard), where a further channel is still to be asked: its visit, the leg tried last, since when channels are
-- asked after a silence (null: after none), whether the next is put off until a moment to come, and whether an answer was
-- heard. What may have been made (unknown) is tried on no other channel.
-- Reads hearing, heard_by (the answers), touches_here, receipts_here, refusals_here and ways (step, legs).
WITH tried AS (
    SELECT t.enrolment_id, t.step, t.visit, max(t.leg) AS leg
    FROM touches_here AS t JOIN hearing AS h ON h.enrolment_id = t.enrolment_id AND t.seq > h.since
    GROUP BY t.enrolment_id, t.step, t.visit
), vain AS (
    SELECT t.*, w.legs, h.until_at IS NOT NULL AND h.due_at > $as_of::TIMESTAMP AS deferred, a.heard_rank IS NOT NULL AS heard
    FROM tried AS t
    JOIN ways AS w ON w.step = t.step AND t.leg < w.legs
    JOIN hearing AS h ON h.enrolment_id = t.enrolment_id
    JOIN heard_by AS a ON a.enrolment_id = t.enrolment_id
    JOIN receipts_here AS r ON r.enrolment_id = t.enrolment_id AND r.step = t.step AND r.visit = t.visit AND r.leg = t.leg
    WHERE NOT r.made OR (a.silent AND a.heard_rank IS NULL AND r.outcome <> 'unknown')
), silence AS (
    SELECT v.enrolment_id, v.step, v.visit, max(r.leg) AS leg
    FROM vain AS v JOIN receipts_here AS r ON r.enrolment_id = v.enrolment_id AND r.step = v.step AND r.visit = v.visit AND r.made
    GROUP BY v.enrolment_id, v.step, v.visit
), asked AS (
    SELECT enrolment_id, step, visit, leg, planned_at AS asked_at, NULL AS refused FROM touches_here
    UNION ALL
    SELECT enrolment_id, step, visit, leg, refused_at, CASE WHEN until_at IS NULL THEN reason END FROM refusals_here
), past AS (
    SELECT v.enrolment_id, v.step, v.visit, min(a.asked_at) FILTER (a.leg > s.leg) AS asked_at,
           bool_or(a.leg > v.leg AND (a.leg = v.legs OR a.refused NOT IN (SELECT unnest($next_leg)))) FILTER (a.refused IS NOT NULL)
               AS over
    FROM vain AS v
    LEFT JOIN silence AS s ON s.enrolment_id = v.enrolment_id AND s.step = v.step AND s.visit = v.visit
    JOIN asked AS a ON a.enrolment_id = v.enrolment_id AND a.step = v.step AND a.visit = v.visit
    GROUP BY v.enrolment_id, v.step, v.visit
)
SELECT v.enrolment_id, v.step, v.visit, v.leg, v.deferred, v.heard,
       CASE WHEN s.leg IS NOT NULL THEN coalesce(p.asked_at, $as_of::TIMESTAMP) END AS asked_at
FROM vain AS v
LEFT JOIN silence AS s ON s.enrolment_id = v.enrolment_id AND s.step = v.step AND s.visit = v.visit
JOIN past AS p ON p.enrolment_id = v.enrolment_id AND p.step = v.step AND p.visit = v.visit
WHERE p.over IS NOT TRUE
