-- One row per way through the chain: the touches planned for an enrolment with what it answered to each, and how many took it.
-- Four bits for each place from 1 (step and channel): one for a touch, three for the first answer that matters (marks: kind,
-- mark). Place 0 is the purchase of a treated enrolment, read with $bought alone.
-- Contacts are told apart by what was known of them when the rehearsal began: who can be reached how, as far as it matters to
-- the chain ($reach_bits, $consent_bits).
-- Reads touches_planned (enrolment_id, place, step_no, visit, leg) and standing_then (contact_id, reach, granted, refused,
-- customer) of one slice, and coming.
WITH answers AS (
    SELECT c.enrolment_id, c.step_no, c.leg, min(m.mark) AS mark
    FROM coming AS c
    JOIN marks AS m ON m.kind = c.kind
    WHERE c.step_no IS NOT NULL AND c.fresh
    GROUP BY ALL
),
bits AS (
    SELECT t.enrolment_id, (1 + 2 * coalesce(a.mark, 0))::HUGEINT << (4 * t.place) AS way
    FROM touches_planned AS t
    LEFT JOIN answers AS a ON a.enrolment_id = t.enrolment_id AND a.step_no = t.step_no AND a.leg = t.leg
    UNION ALL
    SELECT c.enrolment_id, 3::HUGEINT
    FROM coming AS c
    SEMI JOIN touches_planned AS t ON t.enrolment_id = c.enrolment_id
    WHERE $bought::BOOLEAN AND c.step_no IS NULL AND c.channel = 'treated' AND c.contact_id >> $slice_bits = $slice
),
ways AS (
    SELECT enrolment_id, bit_or(way) AS way
    FROM bits
    GROUP BY enrolment_id
)
SELECT concat_ws('/', s.reach & $reach_bits::UTINYINT, s.granted & $consent_bits::UINTEGER, s.refused & $consent_bits::UINTEGER,
                 s.customer) AS known, w.way::VARCHAR AS way, count(*) AS contacts
FROM ways AS w
LEFT JOIN standing_then AS s ON s.contact_id = w.enrolment_id & 68719476735
GROUP BY known, w.way
