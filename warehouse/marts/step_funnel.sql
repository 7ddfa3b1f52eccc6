-- One row per run (that planned), chain, version, wave, step and channel: its touches from plan to response.
-- planned = pending + not_made + unknown + sent; sent = bounced + delivered + unconfirmed.
-- delivered: something was heard that proves arrival; unconfirmed: the carrier says nothing, as the post does.
WITH touched AS (
    SELECT facts.*, heard.* EXCLUDE (enrolment_id, step, visit, leg),
           facts.state = 'made' AS sent,
           coalesce(heard.bounced_hard, false) OR (coalesce(heard.bounced_soft, false) AND NOT heard.arrived) AS bounced
    FROM touch_facts AS facts
    LEFT JOIN touch_heard AS heard USING (enrolment_id, step, visit, leg)
),
funnel AS (
    SELECT run, chain, version, wave, step, channel,
           count(*) AS planned,
           count(*) FILTER (state = 'pending') AS pending,
           count(*) FILTER (state = 'not_made') AS not_made,
           count(*) FILTER (state = 'unknown') AS unknown,
           count(*) FILTER (sent) AS sent,
           count(*) FILTER (sent AND bounced) AS bounced,
           count(*) FILTER (sent AND NOT bounced AND coalesce(arrived, false)) AS delivered,
           count(*) FILTER (sent AND NOT bounced AND NOT coalesce(arrived, false)) AS unconfirmed,
           count(*) FILTER (sent AND clicked) AS clicked,
           count(*) FILTER (sent AND responded) AS responded,
           count(*) FILTER (sent AND unsubscribed) AS unsubscribed,
           count(*) FILTER (sent AND complained) AS complained,
           sum(cost)::DECIMAL(18, 4) AS cost
    FROM touched
    GROUP BY ALL
)
SELECT * FROM funnel
