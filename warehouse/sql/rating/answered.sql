-- One row per chain, step, channel and kind: how many of the touches made by $mature were answered so by people, and after
-- how many seconds 0, 5, … 100 % of the answers had come.
WITH made AS (
    SELECT chain, step, channel, enrolment_id, visit, leg, settled_at
    FROM receipts
    WHERE outcome IN ('accepted', 'duplicate') AND settled_at <= $mature
),
heard AS (
    SELECT made.chain, made.step, made.channel, responses.kind,
           min(greatest(date_diff('microsecond', made.settled_at, responses.happened_at) / 1e6, 0)) AS late
    FROM made
    JOIN responses USING (chain, step, enrolment_id, visit, leg)
    WHERE NOT responses.machine AND responses.kind NOT IN ('delivered', 'opened')
    GROUP BY made.chain, made.step, made.channel, responses.kind, made.enrolment_id, made.visit, made.leg
)
SELECT chain, step, channel, kind, count(*) AS answered, quantile_cont(late, $points::DOUBLE[]) AS delays
FROM heard
GROUP BY ALL
