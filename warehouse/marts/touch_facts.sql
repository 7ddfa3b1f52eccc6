-- One row per touch: what became of it, and what it cost.
-- state: made (accepted, duplicate), unknown, not_made (settled in any other way), pending (no receipt yet).
-- An unknown touch may have gone out, so it is paid for; one that was not made costs nothing.
WITH last_receipts AS (
    SELECT enrolment_id, step, visit, leg,
           arg_max(outcome, settled_at) AS outcome,
           arg_max(cost, settled_at) AS cost,
           arg_max(units, settled_at) AS units,
           max(settled_at) AS settled_at
    FROM receipts
    WHERE outcome NOT IN ('retry', 'throttled')
    GROUP BY ALL
),
facts AS (
    SELECT touches.run, touches.chain, touches.version, touches.wave, touches.enrolment_id, touches.contact_id,
           touches.step, touches.visit, touches.leg, touches.channel, touches.purpose, touches.connector,
           touches.planned_at, last_receipts.settled_at, last_receipts.outcome,
           CASE WHEN outcome IS NULL THEN 'pending'
                WHEN outcome IN ('accepted', 'duplicate') THEN 'made'
                WHEN outcome = 'unknown' THEN 'unknown'
                ELSE 'not_made' END AS state,
           CASE WHEN state IN ('made', 'unknown') THEN coalesce(last_receipts.units, 1) ELSE 0 END AS units,
           CASE WHEN state IN ('made', 'unknown') THEN coalesce(last_receipts.cost, touches.cost, 0)
                ELSE 0 END::DECIMAL(18, 4) AS cost
    FROM touches
    LEFT JOIN last_receipts USING (enrolment_id, step, visit, leg)
)
SELECT * FROM facts
