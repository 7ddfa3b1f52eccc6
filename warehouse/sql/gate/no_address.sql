-- One row per candidate without an address for this channel.
SELECT enrolment_id, visit, until_at AS latest_at, 'no_address' AS reason, $channel AS rule, NULL::VARCHAR AS value, NULL::VARCHAR AS limit_value,
       NULL::TIMESTAMP AS until_at
FROM candidates WHERE reach & $channel_bit::UTINYINT = 0
