-- One row per enrolment that is drawn to buy within the goal's window, at a moment of it.
-- Reads entered_now (enrolment_id) of one arm; $share of them buy, $delays are the seconds after $arrived.
INSERT INTO coming
WITH drawn AS (
    SELECT enrolment_id, draw($later::UBIGINT, enrolment_id) * $points AS late
    FROM entered_now
    WHERE draw($salt::UBIGINT, enrolment_id) < $share
),
placed_on AS (
    SELECT enrolment_id, 1 + floor(late)::INTEGER AS place, late - floor(late) AS between_places, $delays::DOUBLE[] AS delays
    FROM drawn
)
SELECT enrolment_id & 68719476735 AS contact_id, enrolment_id, NULL::INTEGER AS step_no, 1::SMALLINT AS visit, 0::SMALLINT AS leg,
       'purchased' AS kind,
       $arrived::TIMESTAMP + to_microseconds((1e6 * (delays[place] + between_places * (delays[place + 1] - delays[place])))::BIGINT)
           AS happened_at,
       '{}' AS meta, $arm AS channel, NULL::VARCHAR AS purpose, true AS fresh
FROM placed_on
