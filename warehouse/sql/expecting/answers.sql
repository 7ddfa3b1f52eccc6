-- One row per touch of a part that has just been handed over and answer that is drawn for it.
-- Reads touches_made (one part) and expected_here (kind, lo, hi, salt, later, delays, until_key): a touch is answered by a
-- kind where its draw lies from lo to below hi; outcomes of a call share a salt, so that there is one of them.
-- A touch draws the same numbers whenever it is asked, by the salt, its enrolment, visit and leg. Answers up to $after
-- are left out: of older touches they are known.
INSERT INTO coming
WITH drawn AS (
    SELECT t.enrolment_id, t.visit, t.leg, e.kind, e.delays, e.until_key,
           draw(xor(e.later, fmix32(t.visit::UBIGINT * 256 + t.leg::UBIGINT)), t.enrolment_id) AS late
    FROM touches_made AS t
    CROSS JOIN expected_here AS e
    WHERE draw(xor(e.salt, fmix32(t.visit::UBIGINT * 256 + t.leg::UBIGINT)), t.enrolment_id) >= e.lo
      AND draw(xor(e.salt, fmix32(t.visit::UBIGINT * 256 + t.leg::UBIGINT)), t.enrolment_id) < e.hi
),
placed_on AS (
    SELECT *, 1 + floor(late * $points)::INTEGER AS place, late * $points - floor(late * $points) AS between_places
    FROM drawn
),
answered AS (
    SELECT enrolment_id, visit, leg, kind, until_key, late,
           $arrived::TIMESTAMP + to_microseconds((1e6 * (delays[place] + between_places * (delays[place + 1] - delays[place])))::BIGINT)
               AS happened_at
    FROM placed_on
)
SELECT enrolment_id & 68719476735 AS contact_id, enrolment_id, $step_no::INTEGER AS step_no, visit, leg, kind, happened_at,
       CASE WHEN until_key IS NOT NULL
            THEN json_object(until_key, strftime(happened_at + to_days(1 + (late * 6)::INTEGER), '%Y-%m-%d'))::VARCHAR ELSE '{}' END
           AS meta,
       $channel AS channel, $purpose AS purpose, $fresh::BOOLEAN AS fresh
FROM answered
WHERE happened_at > $after::TIMESTAMP
