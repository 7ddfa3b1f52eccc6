-- One row per connector that made touches of late while anybody complained: complaints, and the touches made.
-- A complaint that names no touch counts for $mail, the connector of the house's e-mail. $since: both are counted from it.
WITH complained AS (
    SELECT enrolment_id, step, visit, leg FROM responses WHERE kind = 'complained' AND received_at >= $since::TIMESTAMP
), of_connector AS (
    SELECT coalesce(r.connector, $mail) AS connector, count(*) AS complaints
    FROM complained AS c
    LEFT JOIN receipts AS r ON r.enrolment_id = c.enrolment_id AND r.step = c.step AND r.visit = c.visit AND r.leg = c.leg
    GROUP BY ALL
)
SELECT o.connector, o.complaints, count(r.enrolment_id) AS touches
FROM of_connector AS o
LEFT JOIN receipts AS r ON r.connector = o.connector AND r.settled_at >= $since::TIMESTAMP
     AND r.outcome IN ('accepted', 'duplicate')
GROUP BY ALL
ORDER BY o.connector
