-- One row per connector and chain: touches of which nobody knows whether they left, and no response has told since;
-- `lately` counts those since $since.
SELECT r.connector, r.chain, count(*) AS touches, count(*) FILTER (WHERE r.settled_at >= $since::TIMESTAMP) AS lately
FROM receipts AS r
ANTI JOIN responses AS s ON s.enrolment_id = r.enrolment_id AND s.step = r.step AND s.visit = r.visit AND s.leg = r.leg
WHERE r.outcome = 'unknown'
GROUP BY r.connector, r.chain
ORDER BY r.connector, r.chain
