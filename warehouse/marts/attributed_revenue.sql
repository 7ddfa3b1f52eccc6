-- One row per run (that planned), chain, version, wave, step and channel: revenue attributed to its touches.
-- Last touch: an order goes whole to the contact's last touch that was made, did not bounce, and lies at most
-- attribution_days before it (half open). Descriptive: it asks who was written to, not what the writing caused.
-- Touches of one instant: the greatest (enrolment, step, visit, leg) takes the order, so that credit never doubles.
WITH eligible AS (
    SELECT facts.contact_id, facts.settled_at,
           max({'enrolment_id': facts.enrolment_id, 'step': facts.step, 'visit': facts.visit, 'leg': facts.leg,
                'run': facts.run, 'chain': facts.chain, 'version': facts.version, 'wave': facts.wave,
                'channel': facts.channel}) AS touch
    FROM touch_facts AS facts
    LEFT JOIN touch_heard AS heard USING (enrolment_id, step, visit, leg)
    WHERE facts.state = 'made' AND NOT coalesce(heard.bounced_hard, false)
    GROUP BY facts.contact_id, facts.settled_at
),
whole_orders AS (
    SELECT contact_id, order_id, ordered_at, sum(amount) AS amount, sum(margin) AS margin, bool_or(bought) AS bought
    FROM order_lines
    GROUP BY contact_id, order_id, ordered_at
),
credited AS (
    SELECT whole_orders.*, eligible.touch
    FROM whole_orders
    ASOF JOIN eligible ON eligible.contact_id = whole_orders.contact_id
        AND eligible.settled_at <= whole_orders.ordered_at
    WHERE eligible.settled_at > whole_orders.ordered_at - to_days(getvariable('attribution_days')::INTEGER)
),
attributed AS (
    SELECT touch.run AS run, touch.chain AS chain, touch.version AS version, touch.wave AS wave, touch.step AS step,
           touch.channel AS channel, count(DISTINCT order_id) FILTER (bought) AS orders,
           count(DISTINCT contact_id) FILTER (bought) AS contacts,
           sum(amount)::DECIMAL(18, 4) AS attributed_revenue, sum(margin) AS attributed_margin
    FROM credited
    GROUP BY ALL
)
SELECT * FROM attributed
