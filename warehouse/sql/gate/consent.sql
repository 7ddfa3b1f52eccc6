-- One row per candidate without a ground for this purpose on this channel: nothing refused, and consent given,
-- or a customer, or no objection, as marketing/gate.py says for the pair.
SELECT enrolment_id, visit, until_at AS latest_at,
       CASE WHEN refused & $consent_bit::UINTEGER <> 0 THEN 'consent_withdrawn' ELSE 'no_consent' END AS reason,
       $channel || '/' || $purpose AS rule, NULL::VARCHAR AS value, NULL::VARCHAR AS limit_value,
       NULL::TIMESTAMP AS until_at
FROM candidates
WHERE refused & $consent_bit::UINTEGER <> 0
   OR NOT ($by_silence::BOOLEAN OR (granted & $consent_bit::UINTEGER <> 0) OR ($by_custom::BOOLEAN AND customer))
