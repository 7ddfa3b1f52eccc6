-- One row per window (days before as_of) and number of touches made to a contact in it: the contacts with that number.
-- Contacts without a touch are there with 0, so that each window adds up to all contacts.
WITH windows AS (
    SELECT unnest(getvariable('windows')::INTEGER[]) AS window_days
),
made AS (
    SELECT windows.window_days, facts.contact_id, count(*) AS touches
    FROM windows
    JOIN touch_facts AS facts ON facts.settled_at <= getvariable('as_of')
        AND facts.settled_at > getvariable('as_of') - to_days(windows.window_days)
    WHERE facts.state = 'made'
    GROUP BY ALL
),
counted AS (
    SELECT windows.window_days, coalesce(made.touches, 0) AS touches, count(*) AS contacts
    FROM windows
    CROSS JOIN contacts
    LEFT JOIN made ON made.window_days = windows.window_days AND made.contact_id = contacts.contact_id
    GROUP BY ALL
)
SELECT * FROM counted
