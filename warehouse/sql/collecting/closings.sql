-- One row per new response that closes something (unsubscription, complaint, hard bounce) and channel it closes.
-- Channel and purpose are those of the touch; without one, what the response says; without that, every channel of
-- the address, or every channel. A hard bounce without any of these is taken for the channel that bounces so.
CREATE OR REPLACE TEMP TABLE closing AS
WITH closing_response AS (
    SELECT p.* REPLACE (coalesce(t.channel, p.channel) AS channel, coalesce(t.purpose, p.purpose) AS purpose)
    FROM placed AS p
    LEFT JOIN touched AS t ON t.enrolment_id = p.enrolment_id AND t.step_no = p.step_no
        AND t.visit = p.visit AND t.leg = p.leg
    WHERE p.kind IN ('unsubscribed', 'complained', 'bounced_hard')
),
opened AS (
    SELECT *,
           CASE
               WHEN channel IN ('email', 'sms', 'phone', 'post', 'voice') THEN [channel]
               WHEN address_kind = 'email' THEN ['email']
               WHEN kind = 'bounced_hard' AND address_kind = 'phone' THEN ['sms']
               WHEN kind = 'bounced_hard' THEN ['email']
               WHEN address_kind = 'phone' THEN ['sms', 'phone', 'voice']
               ELSE ['email', 'sms', 'phone', 'post', 'voice']
           END AS channels
    FROM closing_response
)
SELECT * EXCLUDE (channels, channel), unnest(channels) AS channel
FROM opened
