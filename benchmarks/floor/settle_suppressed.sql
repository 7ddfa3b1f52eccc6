-- One row per contact that objected to everything since the last pass: it leaves.
UPDATE enrolments SET place = 'exit:suppressed', due_at = NULL
FROM (SELECT DISTINCT contact_id FROM suppressions
      WHERE listed_at > $last AND channel IS NULL AND (purpose IS NULL OR purpose = 'all')
        AND from_at <= $as_of AND (until_at IS NULL OR until_at > $as_of)) AS s
WHERE s.contact_id = enrolments.contact_id AND enrolments.due_at IS NOT NULL
