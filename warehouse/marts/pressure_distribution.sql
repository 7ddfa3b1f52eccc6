-- One row per window (days before as_of): how touches made, weighed by channel, lie over all contacts, touched or not.
WITH windows AS (
    SELECT unnest(getvariable('windows')::INTEGER[]) AS window_days
),
weights AS (
    SELECT weighed.channel, weighed.weight FROM (SELECT unnest(getvariable('weights')) AS weighed)
),
felt AS (
    SELECT windows.window_days, facts.contact_id, sum(coalesce(weights.weight, 1.0)) AS pressure
    FROM windows
    JOIN touch_facts AS facts ON facts.settled_at <= getvariable('as_of')
        AND facts.settled_at > getvariable('as_of') - to_days(windows.window_days)
    LEFT JOIN weights USING (channel)
    WHERE facts.state = 'made'
    GROUP BY ALL
),
everybody AS (
    SELECT windows.window_days, contacts.contact_id, coalesce(felt.pressure, 0) AS pressure
    FROM windows
    CROSS JOIN contacts
    LEFT JOIN felt USING (window_days, contact_id)
),
spread AS (
    SELECT window_days, count(*) AS contacts, count(*) FILTER (pressure > 0) AS touched,
           quantile_disc(pressure, 0.5) AS p50, quantile_disc(pressure, 0.9) AS p90,
           quantile_disc(pressure, 0.99) AS p99, max(pressure) AS most
    FROM everybody
    GROUP BY window_days
)
SELECT * FROM spread
