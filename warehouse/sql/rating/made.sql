-- One row per chain, step and channel: the touches made by $mature.
SELECT chain, step, channel, count(*) AS made
FROM receipts
WHERE outcome IN ('accepted', 'duplicate') AND settled_at <= $mature
GROUP BY ALL
