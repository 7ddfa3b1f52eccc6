-- One row per contact of the audience that was never in the chain: its arm drawn, it stands at its first step.
INSERT INTO enrolments
SELECT c.contact_id, $as_of,
       CASE WHEN draw($salt, c.contact_id) < $holdout::DOUBLE THEN 'holdout' ELSE 'opening' END,
       CASE WHEN draw($salt, c.contact_id) < $holdout::DOUBLE THEN $as_of + INTERVAL 56 DAY ELSE $as_of END,
       $as_of + INTERVAL 7 DAY
FROM contacts AS c ANTI JOIN enrolments AS e ON e.contact_id = c.contact_id
