-- One row per candidate whose zone has no open window of this channel now: deferred until the next one opens.
SELECT c.enrolment_id, c.visit, c.until_at AS latest_at, 'hours' AS reason, $channel AS rule, z.zone AS value,
       strftime(z.opens_at, '%Y-%m-%dT%H:%M:%S') AS limit_value, z.opens_at AS until_at
FROM candidates AS c JOIN zones AS z ON z.zone IS NOT DISTINCT FROM c.zone
WHERE z.opens_at > $as_of::TIMESTAMP
