-- One row per enrolment: one contact in one chain, from entry to exit.
SELECT m.enrolment_id, c.name AS chain, v.number AS version, m.enrolment_id >> 36 AS wave,
       m.enrolment_id & 68719476735 AS contact_id,
       CASE WHEN m.to_step = 'holdout' THEN 'holdout' ELSE 'treated' END AS arm,
       m.moved_at AS enrolled_at, m.run
FROM raw_moves AS m
JOIN ledger_chains AS c ON c.id = m.chain
JOIN ledger_versions AS v ON v.id = m.version
WHERE m.from_step = ''
