-- One row per touch that was answered: what was heard of it.
-- Machines that open or click are nobody: they count in no column but `delivered`, for the message was there.
WITH keyed AS (
    SELECT * FROM responses WHERE enrolment_id IS NOT NULL AND step IS NOT NULL
),
heard AS (
    SELECT enrolment_id, step, visit, leg,
           bool_or(kind IN ('bounced_hard', 'letter_returned', 'wrong_number')) AS bounced_hard,
           bool_or(kind = 'bounced_soft') AS bounced_soft,
           bool_or(kind NOT IN ('bounced_hard', 'letter_returned', 'wrong_number', 'bounced_soft', 'no_answer', 'busy'))
               AS arrived,
           bool_or(kind = 'clicked' AND NOT machine) AS clicked,
           bool_or(kind IN ('clicked', 'replied', 'coupon_redeemed', 'inbound_call', 'form_submitted', 'opted_in',
                            'appointment', 'call_back', 'send_documents') AND NOT machine) AS responded,
           bool_or(kind IN ('unsubscribed', 'refused')) AS unsubscribed,
           bool_or(kind = 'complained') AS complained
    FROM keyed
    GROUP BY ALL
)
SELECT * FROM heard
