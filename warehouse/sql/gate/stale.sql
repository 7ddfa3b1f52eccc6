-- One row per candidate whose latest moment has passed.
SELECT enrolment_id, visit, until_at AS latest_at, 'stale' AS reason, 'at_latest' AS rule, strftime($as_of::TIMESTAMP, '%Y-%m-%dT%H:%M:%S') AS value,
       strftime(until_at, '%Y-%m-%dT%H:%M:%S') AS limit_value, NULL::TIMESTAMP AS until_at
FROM candidates WHERE until_at < $as_of::TIMESTAMP
