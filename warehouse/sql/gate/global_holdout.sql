-- One row per candidate that belongs to the house's holdout: no commercial touch from any chain.
SELECT enrolment_id, visit, until_at AS latest_at, 'global_holdout' AS reason, 'global_holdout' AS rule, NULL::VARCHAR AS value,
       $global_holdout::VARCHAR AS limit_value, NULL::TIMESTAMP AS until_at
FROM candidates WHERE $purpose = 'commercial' AND draw($global_salt, contact_id) < $global_holdout::DOUBLE
